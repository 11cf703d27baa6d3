// A canvas that knows its size and resolution, keeps static layers, and redraws only when its key changes.
class Panel {
  constructor(title, name) {
    this.title = title;
    this.canvas = make("canvas", { role: "img", "aria-label": title });
    this.note = make("span", { class: "note" });
    this.extra = make("span", { class: "extra" });
    const head = make("header", {}, [make("h2", { text: title }), this.note, this.extra]);
    this.body = make("div", { class: "body" }, [this.canvas]);
    this.node = make("section", { class: `panel panel-${name}`, "data-panel": name, "aria-label": title }, [head, this.body]);
    this.ctx = this.canvas.getContext("2d");
    this.layers = new Map();
    this.spots = [];
    this.key = null;
    this.w = this.h = 0;
  }

  // Follow the size of the body; true when it changed.
  fit() {
    const w = Math.round(this.body.clientWidth), h = Math.round(this.body.clientHeight);
    const dpr = window.devicePixelRatio || 1;
    if (w === this.w && h === this.h && dpr === this.dpr) return false;
    Object.assign(this, { w, h, dpr, key: null });
    this.canvas.width = Math.max(1, Math.round(w * dpr));
    this.canvas.height = Math.max(1, Math.round(h * dpr));
    this.layers.clear();
    return true;
  }

  paint(view) {
    if (this.w < 20 || this.h < 20) return;
    const key = this.keyOf(view);
    if (key === this.key) return;
    this.key = key;
    this.spots = [];
    this.label(this.title);
    this.ctx.setTransform(this.dpr, 0, 0, this.dpr, 0, 0);
    this.ctx.clearRect(0, 0, this.w, this.h);
    this.draw(this.ctx, view);
  }

  // What the canvas is called for those who do not see it.
  label(string) { if (this.canvas.getAttribute("aria-label") !== string) this.canvas.setAttribute("aria-label", string); }

  // A picture that is drawn again only when its key changes; only the newest of each name is kept.
  layer(name, key, draw) {
    let layer = this.layers.get(name);
    if (!layer || layer.key !== key) {
      const canvas = layer ? layer.canvas : document.createElement("canvas");
      canvas.width = this.canvas.width;
      canvas.height = this.canvas.height;
      const ctx = canvas.getContext("2d");
      ctx.setTransform(this.dpr, 0, 0, this.dpr, 0, 0);
      const value = draw(ctx);
      layer = { key, canvas, value };
      this.layers.set(name, layer);
    }
    this.ctx.drawImage(layer.canvas, 0, 0, this.w, this.h);
    return layer.value;
  }

  spot(x, y, w, h, what) { this.spots.push({ x, y, w, h, what }); }

  // The topmost spot under a point, with what it stands for.
  at(x, y) {
    for (let i = this.spots.length - 1; i >= 0; i--) {
      const s = this.spots[i];
      if (x >= s.x && x < s.x + s.w && y >= s.y && y < s.y + s.h) return s.what;
    }
    return null;
  }

  // Nothing of a trace is to be drawn: say why, and let go of what belonged to another one.
  sayWhy(ctx, theme, string) {
    this.note.textContent = "";
    this.showLegend([]);
    this.label(`${this.title}: ${string}`);
    say(ctx, theme, this, string);
  }

  // The marks that this trace can show, explained; what is falsy is left out.
  showLegend(entries) {
    const shown = entries.filter(Boolean), key = JSON.stringify(shown);
    if (key === this.explained) return;
    this.explained = key;
    this.legend?.remove();
    this.extra.append((this.legend = legend(shown)));
  }

  reset() { this.key = null; this.layers.clear(); }
}

function text(ctx, theme, string, x, y, { size = 11, color = theme.muted, align = "left", weight = 400, base = "middle" } = {}) {
  ctx.font = `${weight} ${size}px ${theme.font}`;
  ctx.fillStyle = color;
  ctx.textAlign = align;
  ctx.textBaseline = base;
  ctx.fillText(string, x, y);
}

// Why a panel is empty: in the middle, on as many lines as it takes.
function say(ctx, theme, panel, string) {
  ctx.font = `400 12px ${theme.font}`;
  const lines = wrapped(string, panel.w - 16, (line) => ctx.measureText(line).width), high = 18;
  lines.forEach((line, k) => text(ctx, theme, line, panel.w / 2, panel.h / 2 + (k - (lines.length - 1) / 2) * high, { size: 12, align: "center" }));
}

// A text in lines no wider than the room, broken between words.
function wrapped(string, room, widthOf) {
  const lines = [];
  for (const word of string.split(" ")) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && widthOf(longer) <= room) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
