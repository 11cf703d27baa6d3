// Bits, flags and values of the task strip: a column of cells for every step, or a bar up or down.
function drawCells(ctx, win, theme, g, r) {
  const w = g.each - (g.each > 5 ? 1 : 0), h = r.lineH - (r.lineH > 4 ? 0.6 : 0), signed = r.field.kind === "value" && r.name !== "output";
  for (let t = g.from; t < g.to; t++) {
    const x = g.left + (t - g.from) * g.each, shade = shadesAt(win, r.name, t);
    for (let line = 0; line < r.lines; line++) {
      const [from, to] = lineChannels(r, line), y = r.y + line * r.lineH;
      ctx.fillStyle = theme.wash;
      ctx.fillRect(x, y, w, h);
      if (signed) drawShade(ctx, theme, strongest(win, r, t, from, to), x, y, w, h);
      else drawShare(ctx, win, theme, r, t, from, to, shade, x, y, w, h);
    }
  }
}

function drawShare(ctx, win, theme, r, t, from, to, shade, x, y, w, h) {
  let share = 0;
  for (let k = from; k < to; k++) share = Math.max(share, shade(k));
  if (share > 0) {
    ctx.globalAlpha = share;
    ctx.fillStyle = theme.bit;
    ctx.fillRect(x, y, w, h);
    ctx.globalAlpha = 1;
  }
  if (r.name === "output" && wrongAt(win, t, from, to)) drawWrong(ctx, theme, x, y, w, h, share);
}

function drawWrong(ctx, theme, x, y, w, h, share) {
  hatch(ctx, x, y, w, h, share > 0.5 ? theme.ground : theme.ink, share > 0.5 ? theme.bit : theme.ground);
  ctx.strokeStyle = theme.ink;
  ctx.lineWidth = 1.2;
  ctx.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
}

// A value of a "value" field, NaN where there is none or it does not count.
function valueAt(win, r, t, k) { return r.name === "target" && !scoredAt(win, t) ? NaN : win.value(r.name, t, k); }

// The value farthest from 0 of several channels.
function strongest(win, r, t, from, to) {
  let best = 0;
  for (let k = from; k < to; k++) if (Math.abs(valueAt(win, r, t, k)) > Math.abs(best)) best = valueAt(win, r, t, k);
  return best;
}

const signColor = (theme, value) => rgb(theme.content[127 + Math.round(clamp(value, -1, 1) * 127)]);

function drawShade(ctx, theme, value, x, y, w, h) {
  if (value === 0) return;
  ctx.fillStyle = signColor(theme, value);
  ctx.fillRect(x, y, w, h);
}

// Values as bars from a middle line, full at -1 and 1: the height is the number, the colour its sign.
function drawBars(ctx, win, theme, g, r) {
  const w = g.each - (g.each > 5 ? 1 : 0), height = r.h / r.size, half = (height - 1) / 2;
  for (let k = 0; k < r.size; k++) {
    const y = r.y + k * height, middle = y + half;
    for (let t = g.from; t < g.to; t++) {
      const x = g.left + (t - g.from) * g.each, value = valueAt(win, r, t, r.field.start + k);
      ctx.fillStyle = theme.wash;
      ctx.fillRect(x, y, w, height - 1);
      if (!Number.isFinite(value) || value === 0) continue;
      const long = Math.max(1, Math.min(1, Math.abs(value)) * half);
      ctx.fillStyle = signColor(theme, Math.sign(value));
      ctx.fillRect(x, value > 0 ? middle - long : middle, w, long);
      if (r.name === "output" && wrongAt(win, t, r.field.start + k, r.field.start + k + 1)) drawWrong(ctx, theme, x, y, w, height - 1, 0);
    }
    ctx.fillStyle = theme.faint;
    ctx.fillRect(g.left, middle - 0.25, (g.to - g.from) * g.each - 1, 0.5);
  }
}
