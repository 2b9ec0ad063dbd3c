// Where the pixels of a picture are on a panel that is mounted turned. Pure.

import type { Panel } from "./panel.ts";

export type Rotation = 0 | 90 | 180 | 270;

/** A rectangle of pixels; `right` and `bottom` are the first that are outside. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** How to walk over a picture's pixels in the order of the panel as it is mounted. */
export interface Walk {
  /** The pixel in the upper left corner, and the steps to the next one on the right and below. */
  readonly first: number;
  readonly right: number;
  readonly down: number;
}

/** `size` is the picture's before turning. */
export const walkOf = (size: Pick<Panel, "width" | "height">, rotation: Rotation): Walk => {
  const { width, height } = size;
  switch (rotation) {
    case 0:
      return { first: 0, right: 1, down: width };
    case 90:
      return { first: (height - 1) * width, right: -width, down: 1 };
    case 180:
      return { first: height * width - 1, right: -1, down: -width };
    case 270:
      return { first: width - 1, right: width, down: -1 };
  }
};

/** The ink at a pixel of the panel as it is mounted, turned clockwise by `rotation`; 0 outside. */
export const inkAt = (panel: Panel, rotation: Rotation, x: number, y: number): number => {
  const { first, right, down } = walkOf(panel, rotation);
  return panel.pixels[first + x * right + y * down] ?? 0;
};

/** Where on the panel as it is mounted an area of the picture is. */
export const turned = (
  { left, top, right, bottom }: Area,
  { width, height }: Pick<Panel, "width" | "height">,
  rotation: Rotation,
): Area => {
  switch (rotation) {
    case 0:
      return { left, top, right, bottom };
    case 90:
      return { left: height - bottom, top: left, right: height - top, bottom: right };
    case 180:
      return { left: width - right, top: height - bottom, right: width - left, bottom: height - top };
    case 270:
      return { left: top, top: width - right, right: bottom, bottom: width - left };
  }
};

/** The least area of the picture that holds all that is different in another one of the same size; null when nothing is. */
export const changedArea = (before: Panel, panel: Panel): Area | null => {
  const { width, height } = panel;
  const [old, pixels] = [before, panel].map(({ pixels: { buffer, byteOffset, byteLength } }) =>
    Buffer.from(buffer, byteOffset, byteLength),
  ) as [Buffer, Buffer];
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y += 1) {
    const [start, end] = [y * width, (y + 1) * width];
    if (pixels.compare(old, start, end, start, end) === 0) continue;
    top = Math.min(top, y);
    bottom = y + 1;
    let x = 0;
    while (x < left && pixels[start + x] === old[start + x]) x += 1;
    left = x;
    x = width;
    while (x > right && pixels[start + x - 1] === old[start + x - 1]) x -= 1;
    right = x;
  }
  return bottom === 0 ? null : { left, top, right, bottom };
};
