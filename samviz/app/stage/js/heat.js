// The cells of the overview as pixels: colour says the kind of the strongest access, saturation its weight.
const KINDS = [null, "erase", "read", "write"];

// Cells go to device pixels one by one keeping the maximum, so that a single access never falls between pixels.
function drawHeat(ctx, feed, theme, b, dpr) {
  const [rows, columns] = feed.a.cells.shape;
  const W = Math.max(1, Math.round(b.w * dpr)), H = Math.max(1, Math.round(b.h * dpr));
  if (!rows || !columns) return;
  const codes = maximumGrid(feed.a.cells, rows, columns, W, H, (c) => (feed.a.edges[c] - feed.start) / (feed.stop - feed.start));
  const image = new ImageData(W, H), pixels = new Uint32Array(image.data.buffer), colors = codeColors(theme);
  for (let i = 0; i < codes.length; i++) pixels[i] = colors[codes[i]];
  const canvas = Object.assign(document.createElement("canvas"), { width: W, height: H });
  canvas.getContext("2d").putImageData(image, 0, 0);
  ctx.drawImage(canvas, b.x, b.y, b.w, b.h);
}

function codeColors(theme) {
  const colors = new Uint32Array(256), meaning = { read: parseColor(theme.read), write: parseColor(theme.write), erase: parseColor(theme.erase) };
  for (let code = 1; code < 256; code++) {
    const kind = KINDS[code & 3], strength = kind === "erase" ? 0.5 : 0.3 + (0.7 * (code >> 2)) / 63;
    if (!kind) continue;
    const [r, g, b] = mix(theme.parts.ground, meaning[kind], strength);
    colors[code] = (255 << 24) | (b << 16) | (g << 8) | r;
  }
  return colors;
}

function maximumGrid(cells, rows, columns, W, H, share) {
  const grid = new Uint8Array(W * H), edge = Array.from({ length: columns + 1 }, (_, c) => share(c) * W);
  for (let r = 0; r < rows; r++) {
    const top = Math.floor((r * H) / rows), bottom = Math.max(top + 1, Math.floor(((r + 1) * H) / rows));
    for (let c = 0; c < columns; c++) {
      const code = cells[r * columns + c];
      if (!code) continue;
      const left = Math.min(W - 1, Math.floor(edge[c])), right = Math.min(W, Math.max(left + 1, Math.floor(edge[c + 1])));
      for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) if (grid[y * W + x] < code) grid[y * W + x] = code;
    }
  }
  return grid;
}

function rowOf(feed, slot) {
  const { low, high } = feed.a;
  const at = lastBelow(low, slot + 1);
  return at >= 0 && high[at] >= slot ? at : -1;
}
