// Frames around a step of the task strip: its column, but in rows of lanes the one picture or word alone.
const inLanes = (r) => (r.kind === "image" ? r.pictures.lanes > 1 : r.kind === "words" && r.lanes > 1);

// A column is framed a little outside where its upright word is wider than it.
function frameBoxes(g, t) {
  const upright = g.rows.some((r) => r.kind === "words" && r.mode === "upright"), wide = Math.max(g.each, upright ? PITCH + 2 : 0);
  const x = g.left + (t - g.from + 0.5) * g.each - wide / 2, boxes = [];
  let top = ARC - 1;
  const column = (bottom) => bottom - top > 4 && boxes.push({ x: x - 0.5, y: top, w: wide, h: bottom - top });
  for (const r of g.rows.filter(inLanes)) {
    column(r.y - 3);
    const box = r.kind === "image" ? imageBox(g, r, t) : wordBox(g, r, t);
    boxes.push({ x: box.x - 0.5, y: box.y - 0.5, w: box.w + 1, h: box.h + 1 });
    top = r.y + r.h + (r.name === "output" && r.kind === "words" ? -MARK - 4 : 1);
  }
  column(g.bottom + 1);
  return boxes;
}

function drawFrame(ctx, g, t, color, lineWidth, out) {
  Object.assign(ctx, { strokeStyle: color, lineWidth });
  for (const { x, y, w, h } of frameBoxes(g, t)) ctx.strokeRect(x - out, y - out, w + 2 * out, h + 2 * out);
}

// The arc over the strip from the cursor to a source; lanes of pictures would come between it and its ends.
function drawArc(ctx, g, t, source, color) {
  if (inLanes(g.rows[0])) return;
  const x = (s) => g.left + (s - g.from + 0.5) * g.each;
  Object.assign(ctx, { strokeStyle: color, lineWidth: 1.5 });
  ctx.beginPath();
  ctx.moveTo(x(t), ARC - 2);
  ctx.lineTo(x(t), ARC - 4);
  ctx.lineTo(x(source), ARC - 4);
  ctx.lineTo(x(source), ARC - 2);
  ctx.stroke();
}

// The step under a point: that of the picture in lanes, else that of the column; null outside of the strip.
function stepUnder(g, row, x, y) {
  const column = g.from + Math.floor((x - g.left) / g.each), inside = (t) => t >= g.from && t < g.to;
  if (row?.kind === "image") {
    const near = Array.from({ length: 11 }, (_, i) => column + i - 5).filter(inside);
    const hit = near.find((t) => contains(imageBox(g, row, t), x, y));
    if (hit !== undefined) return hit;
  }
  return inside(column) ? column : null;
}

const contains = (box, x, y) => x >= box.x && x < box.x + box.w && y >= box.y && y < box.y + box.h;
