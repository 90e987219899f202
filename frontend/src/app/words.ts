/** A message as a sentence: with a capital, but for a name or a path at its beginning, and with a full stop. */
export function sentence(message: string): string {
  const begun = message.replace(/^\p{Ll}(?=\p{L}*[ ,])/u, (letter) => letter.toUpperCase())
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`
}
