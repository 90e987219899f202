/** A rectangle of pixels; right and bottom lie outside. */
export interface Box {
  left: number
  top: number
  right: number
  bottom: number
}

export interface Point {
  x: number
  y: number
}

/** Steps that can be taken back: each keeps a copy, a byte a pixel. */
const kept = 32

/** The part of a picture that is painted over, pixel by pixel, with its past. */
export class Mask {
  private past: Uint8Array[] = []
  private bits: Uint8Array

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.bits = new Uint8Array(width * height)
  }

  /** A mask from grey pixels, four bytes each: what is brighter than the middle is painted over. */
  static ofPixels({ width, height, data }: Pick<ImageData, 'width' | 'height' | 'data'>): Mask {
    const mask = new Mask(width, height)
    mask.bits = mask.bits.map((_, at) => ((data[at * 4] ?? 0) >= 128 ? 1 : 0))
    return mask
  }

  get whole(): Box {
    return { left: 0, top: 0, right: this.width, bottom: this.height }
  }

  /** Share of the picture that is painted over, 0 to 1. */
  get share(): number {
    return this.bits.reduce((sum, bit) => sum + bit, 0) / this.bits.length
  }

  get canUndo(): boolean {
    return this.past.length > 0
  }

  has(x: number, y: number): boolean {
    return this.bits[y * this.width + x] === 1
  }

  /** Keeps what is there, so that what follows can be taken back as one step. */
  begin(): void {
    this.past.push(this.bits.slice())
    if (this.past.length > kept) {
      this.past.shift()
    }
  }

  /** Takes the last step back. */
  undo(): void {
    this.bits = this.past.pop() ?? this.bits
  }

  /** Draws a brush of this radius from one point to another; tells what may have changed. */
  stroke(from: Point, to: Point, radius: number, on: boolean): Box {
    const box = this.inside({
      left: Math.min(from.x, to.x) - radius,
      top: Math.min(from.y, to.y) - radius,
      right: Math.max(from.x, to.x) + radius + 1,
      bottom: Math.max(from.y, to.y) + radius + 1,
    })
    const [dx, dy] = [to.x - from.x, to.y - from.y]
    const length = dx * dx + dy * dy
    this.each(box, (x, y) => {
      // The nearest point of the line to this pixel's middle.
      const [px, py] = [x + 0.5 - from.x, y + 0.5 - from.y]
      const along = length === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / length))
      return (px - along * dx) ** 2 + (py - along * dy) ** 2 <= radius * radius ? on : undefined
    })
    return box
  }

  /** Fills or empties a rectangle, as one step. */
  fill(box: Box, on: boolean): void {
    this.begin()
    this.each(this.inside(box), () => on)
  }

  /** Has painted what was not and the other way round, as one step. */
  invert(): void {
    this.begin()
    this.bits = this.bits.map((bit) => 1 - bit)
  }

  /** Writes a box as pixels of four bytes, in the colours of what is painted over and of what is not. */
  pixels(
    box: Box,
    colour: (on: boolean, x: number, y: number) => readonly number[],
  ): Uint8ClampedArray<ArrayBuffer> {
    const width = box.right - box.left
    const data = new Uint8ClampedArray(width * (box.bottom - box.top) * 4)
    for (let y = box.top; y < box.bottom; y += 1) {
      for (let x = box.left; x < box.right; x += 1) {
        data.set(colour(this.has(x, y), x, y), ((y - box.top) * width + x - box.left) * 4)
      }
    }
    return data
  }

  private inside({ left, top, right, bottom }: Box): Box {
    return {
      left: Math.min(this.width, Math.max(0, Math.floor(left))),
      top: Math.min(this.height, Math.max(0, Math.floor(top))),
      right: Math.min(this.width, Math.max(0, Math.ceil(right))),
      bottom: Math.min(this.height, Math.max(0, Math.ceil(bottom))),
    }
  }

  private each(
    { left, top, right, bottom }: Box,
    decide: (x: number, y: number) => boolean | undefined,
  ): void {
    for (let y = top; y < bottom; y += 1) {
      for (let x = left; x < right; x += 1) {
        const on = decide(x, y)
        if (on !== undefined) {
          this.bits[y * this.width + x] = on ? 1 : 0
        }
      }
    }
  }
}

/** The largest side of a mask: more tells nothing that a brush could mean. */
const largest = 1024

/** Sides of a mask for a picture: its own, or smaller in the same proportion. */
export function maskSize(width: number, height: number): { width: number; height: number } {
  const scale = Math.min(1, largest / Math.max(width, height, 1))
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}

/** The rectangle that four shares of the sides in per cent mean, or nothing where they are none. */
export function boxOfPercent(mask: Mask, [left, top, width, height]: readonly number[]): Box | undefined {
  const shares = [left, top, width, height]
  const fit = shares.every((share) => share !== undefined && share >= 0 && share <= 100)
  if (!fit || !width || !height) {
    return undefined
  }
  const at = (share = 0, side: number) => Math.round((Math.min(100, share) / 100) * side)
  return {
    left: at(left, mask.width),
    top: at(top, mask.height),
    right: at((left ?? 0) + width, mask.width),
    bottom: at((top ?? 0) + height, mask.height),
  }
}
