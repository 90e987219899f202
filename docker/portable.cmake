# ggml compiles for the machine that builds unless told otherwise; an image runs elsewhere.
# Off, and with its own defaults for the rest, it asks for AVX2, FMA, F16C and BMI2 on x86-64 (any since 2013).
set(GGML_NATIVE OFF CACHE BOOL "Compile for the building machine" FORCE)
# As in .cargo/native.cmake.
set(GGML_LLAMAFILE ON CACHE BOOL "Matrix multiplication by tinyBLAS" FORCE)
