// Pictures of 8 x 8 pixels, 0 to 9, small enough that every number can be read.
const DRAWN = {
  edge: ["00009999", "00009999", "00009999", "00009999", "00009999", "00009999", "00009999", "00009999"],
  square: ["00000000", "00000000", "00999900", "00999900", "00999900", "00999900", "00000000", "00000000"],
  seven: ["00000000", "09999990", "00000960", "00006900", "00009600", "00069000", "00096000", "00000000"],
  cross: ["90000009", "09000090", "00900900", "00099000", "00099000", "00900900", "09000090", "90000009"],
};

export const SIDE = 8;
export const NAMES = Object.keys(DRAWN);

/** The 64 values of a picture, row by row. */
export const picture = (name) => Float32Array.from(DRAWN[name].join(""), Number);
