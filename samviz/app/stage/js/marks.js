// One shape for each meaning, so that nothing hangs on hue alone.
function dot(ctx, x, y, r) {
  ctx.beginPath();
  ctx.arc(x, y, r, 0, 2 * Math.PI);
  ctx.fill();
}

function square(ctx, x, y, r) {
  ctx.fillRect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8);
}

function cross(ctx, x, y, r) {
  ctx.beginPath();
  ctx.moveTo(x - r, y - r);
  ctx.lineTo(x + r, y + r);
  ctx.moveTo(x + r, y - r);
  ctx.lineTo(x - r, y + r);
  ctx.stroke();
}

function hatch(ctx, x, y, w, h, color, ground) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(x, y, w, h);
  ctx.clip();
  ctx.fillStyle = ground;
  ctx.fillRect(x, y, w, h);
  ctx.strokeStyle = color;
  ctx.lineWidth = 1.25;
  ctx.beginPath();
  for (let d = -h; d < w; d += 3.5) {
    ctx.moveTo(x + d, y + h);
    ctx.lineTo(x + d + h, y);
  }
  ctx.stroke();
  ctx.lineWidth = 1.5;
  ctx.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
  ctx.restore();
}

function legend(entries) {
  return make("span", { class: "legend" }, entries.map(([kind, text]) =>
    make("span", { class: "key" }, [make("i", { class: `mark mark-${kind}`, "aria-hidden": "true" }), document.createTextNode(text)])));
}
