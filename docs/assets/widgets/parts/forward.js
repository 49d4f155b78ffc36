// The forward pass of a small network. A tensor is { height, width, channels, data }, its values in Keras's order.

/** Output length and padding before, along one side, as Keras counts them. */
export function along(length, kernel, stride, padding) {
  if (padding === "valid") return { out: Math.floor((length - kernel) / stride) + 1, before: 0 };
  const out = Math.ceil(length / stride);
  return { out, before: Math.max(0, (out - 1) * stride + kernel - length) >> 1 };
}

/** Slide kernels of shape (side, side, channels, filters) over the input. */
export function conv2d(input, kernel, bias, { side = 3, stride = 1, padding = "valid" } = {}) {
  const { height, width, channels, data } = input;
  const rows = along(height, side, stride, padding);
  const columns = along(width, side, stride, padding);
  const filters = bias.length;
  const out = new Float32Array(rows.out * columns.out * filters);
  for (let y = 0; y < rows.out; y++)
    for (let x = 0; x < columns.out; x++) {
      const target = (y * columns.out + x) * filters;
      for (let filter = 0; filter < filters; filter++) out[target + filter] = bias[filter];
      for (let i = 0; i < side; i++) {
        const row = y * stride - rows.before + i;
        if (row < 0 || row >= height) continue;
        for (let j = 0; j < side; j++) {
          const column = x * stride - columns.before + j;
          if (column < 0 || column >= width) continue;
          const source = (row * width + column) * channels;
          for (let channel = 0; channel < channels; channel++) {
            const value = data[source + channel];
            if (value === 0) continue;
            const weights = ((i * side + j) * channels + channel) * filters;
            for (let filter = 0; filter < filters; filter++) out[target + filter] += value * kernel[weights + filter];
          }
        }
      }
    }
  return { height: rows.out, width: columns.out, channels: filters, data: out };
}

/** The largest value of each window, or their mean. */
export function pool2d(input, size = 2, stride = size, kind = "max") {
  const { height, width, channels, data } = input;
  const rows = along(height, size, stride, "valid").out;
  const columns = along(width, size, stride, "valid").out;
  const out = new Float32Array(rows * columns * channels);
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++)
      for (let channel = 0; channel < channels; channel++) {
        let most = -Infinity;
        let sum = 0;
        for (let i = 0; i < size; i++)
          for (let j = 0; j < size; j++) {
            const value = data[((y * stride + i) * width + x * stride + j) * channels + channel];
            most = Math.max(most, value);
            sum += value;
          }
        out[(y * columns + x) * channels + channel] = kind === "max" ? most : sum / (size * size);
      }
  return { height: rows, width: columns, channels, data: out };
}

export const relu = (tensor) => ({ ...tensor, data: tensor.data.map((value) => Math.max(0, value)) });

/** Weights of shape (inputs, units). */
export function dense(values, kernel, bias) {
  const out = Float32Array.from(bias);
  values.forEach((value, place) => {
    if (value === 0) return;
    for (let unit = 0; unit < out.length; unit++) out[unit] += value * kernel[place * out.length + unit];
  });
  return out;
}

export function softmax(values) {
  const most = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - most));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}

const flat = (data) => ({ height: 1, width: 1, channels: data.length, data });

function step(layer, input) {
  const [kernel, bias] = layer.weights;
  switch (layer.type) {
    case "Rescaling":
      return { ...input, data: input.data.map((value) => value * layer.scale) };
    case "Conv2D":
      return conv2d(input, kernel, bias, { side: layer.side, stride: layer.stride, padding: layer.padding });
    case "MaxPooling2D":
      return pool2d(input, layer.side, layer.stride);
    case "Flatten":
      return flat(input.data);
    case "Dense":
      return flat(dense(input.data, kernel, bias));
    default: // Dropout does nothing when a network answers.
      return input;
  }
}

/** Every layer's output for 28 x 28 raw pixels (0-255), in order: { name, type, height, width, channels, data }. */
export function forward(network, pixels) {
  const { height, width } = network;
  let tensor = { height, width, channels: 1, data: Float32Array.from(pixels) };
  return network.layers.map((layer) => {
    tensor = step(layer, tensor);
    if (layer.activation === "relu") tensor = relu(tensor);
    if (layer.activation === "softmax") tensor = flat(softmax(tensor.data));
    return { name: layer.name, type: layer.type, ...tensor };
  });
}

/** Rows [first, last] of the image, or columns, that a place of a layer's output depends on, not cut at the edge. */
export function reach(network, name, place) {
  const end = network.layers.findIndex((layer) => layer.name === name);
  let [first, last] = [place, place];
  for (const layer of network.layers.slice(0, end + 1).reverse()) {
    if (!layer.side) continue;
    const before = layer.padding === "same" ? (layer.side - 1) >> 1 : 0;
    first = first * layer.stride - before;
    last = last * layer.stride - before + layer.side - 1;
  }
  return [first, last];
}
