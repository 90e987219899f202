export interface Size {
  width: number
  height: number
}

/** What of a picture is seen: the same view shows the same part of pictures of any size, in frames of any size. */
export interface View {
  /** 1 shows the whole picture, as large as it fits. */
  scale: number
  /** The point in the middle of the frame, as shares of the picture's sides. */
  x: number
  y: number
}

/** What shows a view, for buttons beside it. */
export interface Zoomable {
  scale: (factor: number) => void
  whole: () => void
  focus: () => void
}

export const wholePicture: View = { scale: 1, x: 0.5, y: 0.5 }

/** Screen pixels for one of the picture's, at most. */
const largest = 8

/** Screen pixels for one of the picture's, where it fits into the frame. */
export function fit(picture: Size, frame: Size): number {
  return Math.min(frame.width / picture.width, frame.height / picture.height)
}

/** The scale at which a pixel of the picture is one of the screen. */
export const actualSize = (picture: Size, frame: Size): number => 1 / fit(picture, frame)

const between = (least: number, value: number, most: number) => Math.min(Math.max(value, least), most)

/** The view, moved and scaled no further than the picture reaches. */
export function within(view: View, picture: Size, frame: Size): View {
  const one = fit(picture, frame)
  const scale = between(1, view.scale, Math.max(largest, largest / one))
  const centre = (at: number, side: number, room: number) => {
    const half = room / (2 * side * one * scale)
    return half >= 0.5 ? 0.5 : between(half, at, 1 - half)
  }
  return {
    scale,
    x: centre(view.x, picture.width, frame.width),
    y: centre(view.y, picture.height, frame.height),
  }
}

/** The view moved by screen pixels, as a hand moves paper. */
export function moved(view: View, by: { x: number; y: number }, picture: Size, frame: Size): View {
  const one = fit(picture, frame) * view.scale
  return within(
    { ...view, x: view.x - by.x / (picture.width * one), y: view.y - by.y / (picture.height * one) },
    picture,
    frame,
  )
}

/** The view at another scale, with what is under this point of the frame left under it. */
export function scaledAt(
  view: View,
  scale: number,
  at: { x: number; y: number },
  picture: Size,
  frame: Size,
): View {
  const reached = within({ ...view, scale }, picture, frame).scale
  const offset = { x: at.x - frame.width / 2, y: at.y - frame.height / 2 }
  const before = fit(picture, frame) * view.scale
  const after = fit(picture, frame) * reached
  return within(
    {
      scale: reached,
      x: view.x + (offset.x / picture.width) * (1 / before - 1 / after),
      y: view.y + (offset.y / picture.height) * (1 / before - 1 / after),
    },
    picture,
    frame,
  )
}

/** Where the picture's left upper corner is in the frame, and how many screen pixels one of its pixels takes. */
export function placed(view: View, picture: Size, frame: Size): { left: number; top: number; one: number } {
  const { scale, x, y } = within(view, picture, frame)
  const one = fit(picture, frame) * scale
  return {
    left: frame.width / 2 - x * picture.width * one,
    top: frame.height / 2 - y * picture.height * one,
    one,
  }
}
