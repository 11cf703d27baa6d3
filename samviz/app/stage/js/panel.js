// A canvas that knows its size and resolution, keeps static layers, and redraws only when its key changes.
class Panel {
  constructor(title, name) {
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
    this.ctx.setTransform(this.dpr, 0, 0, this.dpr, 0, 0);
    this.ctx.clearRect(0, 0, this.w, this.h);
    this.draw(this.ctx, view);
  }

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

  reset() { this.key = null; this.layers.clear(); }
}

function text(ctx, theme, string, x, y, { size = 11, color = theme.muted, align = "left", weight = 400, base = "middle" } = {}) {
  ctx.font = `${weight} ${size}px ${theme.font}`;
  ctx.fillStyle = color;
  ctx.textAlign = align;
  ctx.textBaseline = base;
  ctx.fillText(string, x, y);
}

function say(ctx, theme, panel, string) {
  text(ctx, theme, string, panel.w / 2, panel.h / 2, { size: 12, align: "center" });
}
