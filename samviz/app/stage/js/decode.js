// Reads what stage/pack.py wrote. The bytes may lie unaligned in a larger buffer, hence the copy.
const ARRAY_TYPES = { uint8: Uint8Array, int16: Int16Array, int32: Int32Array, float32: Float32Array };

function decode(bytes) {
  const { buffer } = bytes.slice();
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const arrays = {};
  for (const [name, { dtype, shape, offset }] of Object.entries(header.arrays)) {
    const type = ARRAY_TYPES[dtype];
    if (!type) throw new Error(`array ${name}: unknown dtype ${dtype}`);
    const count = shape.reduce((a, b) => a * b, 1);
    arrays[name] = new type(buffer, 4 + length + offset, count);
    arrays[name].shape = shape;
  }
  return { header, arrays };
}
