// What the build wrote beside these scripts: networks' weights and small pictures, fetched from there once.
const FOLDER = new URL("../data/", import.meta.url);
const fetched = new Map();

function once(name, read) {
  if (!fetched.has(name)) {
    const asked = fetch(new URL(name, FOLDER)).then((answer) => {
      if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
      return read(answer);
    });
    fetched.set(name, asked);
  }
  return fetched.get(name);
}

export const json = (name) => once(name, (answer) => answer.json());
const bytes = (name) => once(name, (answer) => answer.arrayBuffer());

/** Numbers of 16 bits as numbers of 32. */
export function halves(words) {
  return Float32Array.from(words, (word) => {
    const sign = word & 0x8000 ? -1 : 1;
    const exponent = (word >> 10) & 0x1f;
    const fraction = word & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}

/** A network by name, with its weights: what `forward` takes. */
export async function network(name) {
  const [manifest, buffer] = await Promise.all([json(`${name}.json`), bytes(`${name}.bin`)]);
  const numbers = halves(new Uint16Array(buffer));
  let start = 0;
  const layers = manifest.layers.map((layer) => {
    const weights = layer.weights.map(({ shape }) => {
      const size = shape.reduce((product, length) => product * length, 1);
      return numbers.subarray(start, (start += size));
    });
    return { ...layer, weights };
  });
  return { ...manifest, layers };
}

/** Small pictures of a data set: [{ pixels, label }], pixels 0-255, with their side and class names. */
export async function pictures(name) {
  const [list, buffer] = await Promise.all([json(`${name}_pictures.json`), bytes(`${name}_pictures.bin`)]);
  const size = list.side * list.side;
  const all = list.labels.map((label, place) => ({ label, pixels: new Uint8Array(buffer, place * size, size) }));
  return { ...list, all };
}

/** Photos with what a network makes of them: one strip of pictures, and as many numbers a photo as `length` says. */
export async function features() {
  const [facts, buffer] = await Promise.all([json("features.json"), bytes("features.bin")]);
  const numbers = new Uint8Array(buffer);
  const rows = facts.labels.map((_, place) => numbers.subarray(place * facts.length, (place + 1) * facts.length));
  return { ...facts, rows };
}

/** A picture of this folder as { width, height, data }, four bytes a pixel. */
export async function pixels(name) {
  const image = new Image();
  image.src = new URL(name, FOLDER).href;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, image.width, image.height);
}
