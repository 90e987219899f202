# Passed to the builds of the native libraries by `.cargo/config.toml`.
# llama.cpp has these matrix kernels by default, stable-diffusion.cpp has not; on a CPU they halve a picture's time.
set(GGML_LLAMAFILE ON CACHE BOOL "Matrix multiplication by tinyBLAS" FORCE)
