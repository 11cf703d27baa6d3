// Images of the task strip: a small picture for each step, in lanes where columns are narrow, the cursor's beside them.
const LARGEST = 56, OVER = 10;

// Lanes of pictures one below the other: as many as make them largest; they may hang over their columns a little.
function imageLanes({ each }, { h, field }) {
  const [rows, columns] = field.shape, wide = columns / Math.max(rows, columns), high = rows / Math.max(rows, columns);
  const side = (lanes) => Math.min(LARGEST, (each * lanes - 1) / wide, (each + 2 * OVER) / wide, (h / lanes - 1) / high);
  const lanes = [1, 2, 3, 4, 5].reduce((best, n) => (side(n) > side(best) + 0.5 ? n : best), 1);
  return { lanes, w: side(lanes) * wide, h: side(lanes) * high };
}

// Where the picture of step t is.
function imageBox(g, r, t) {
  const { lanes, w, h } = r.pictures, laneH = h + 1, top = r.y + (r.h - lanes * laneH) / 2;
  const x = g.left + (t - g.from + 0.5) * g.each - w / 2 - 0.5;
  return { x, y: top + ((t - g.from) % lanes) * laneH, w, h };
}

// One pixel of ink for each channel: dark on light, light on dark.
function imagePixels(win, theme, r, t) {
  const [rows, columns] = r.field.shape, shade = shadesAt(win, r.name, t), image = new ImageData(columns, rows);
  const { ground, ink } = theme.parts, pixels = image.data;
  for (let i = 0; i < rows * columns; i++) {
    const share = 0.055 + 0.9 * shade(r.field.start + i);
    for (let c = 0; c < 3; c++) pixels[4 * i + c] = ground[c] + (ink[c] - ground[c]) * share;
    pixels[4 * i + 3] = 255;
  }
  return image;
}

function drawImage(ctx, win, theme, r, t, box) {
  const image = imagePixels(win, theme, r, t), small = document.createElement("canvas");
  small.width = image.width;
  small.height = image.height;
  small.getContext("2d").putImageData(image, 0, 0);
  ctx.imageSmoothingQuality = "high";
  ctx.drawImage(small, box.x, box.y, box.w, box.h);
  const wrong = r.name === "output" && wrongAt(win, t, r.field.start, r.field.stop);
  if (wrong) drawWrong(ctx, theme, box.x, box.y, Math.min(8, box.w / 3), Math.min(8, box.h / 3), 0);
}

function drawImages(ctx, win, theme, g, r) {
  r.pictures = imageLanes(g, r);
  for (let t = g.from; t < g.to; t++) drawImage(ctx, win, theme, r, t, imageBox(g, r, t));
}

// The cursor's picture as large as the margin allows, under the row's name.
function drawImageNow(ctx, win, theme, r, t) {
  const [rows, columns] = r.field.shape, scale = Math.min((r.h - 15) / rows, (LABELS - 12) / columns);
  if (r.h < 34) return;
  drawImage(ctx, win, theme, r, t, { x: LABELS - 7 - columns * scale, y: r.y + 14, w: columns * scale, h: rows * scale });
}

const inked = (win, r, t) => {
  const shade = shadesAt(win, r.name, t);
  let sum = 0;
  for (let k = r.field.start; k < r.field.stop; k++) sum += shade(k);
  return sum / r.size;
};
