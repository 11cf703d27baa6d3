// The rows of M at the end of the step: who touched them (a lane for each head), what they hold, how long idle.
const LANE = 9, MAX_LANES = 8, HEAD_ROW = 29;

class MemoryPanel extends Panel {
  constructor() {
    super("Memory", "memory");
    this.swatch = make("i", { class: "gradient", "aria-hidden": "true" });
    this.low = make("span"), this.high = make("span");
    this.extra.append(this.low, this.swatch, this.high);
  }

  keyOf({ win, cursor, theme }) { return [win?.id, theme.mode, cursor.t, cursor.slot, cursor.head].join(); }

  draw(ctx, { win, cursor, theme }) {
    if (!win?.has(cursor.t)) return say(ctx, theme, this, "Reading steps …");
    const room = this.h - HEAD_ROW, all = win.slots <= Math.floor(room / 7);
    const most = all ? win.slots : Math.floor(room / 11);
    const slots = win.slotsAt(cursor.t, most, cursor.slot);
    this.low.textContent = `−${scaleText(win.scale)}`;
    this.high.textContent = `+${scaleText(win.scale)}`;
    this.note.textContent = all || slots.length === win.slots ? `all ${number(win.slots)} slots × ${win.word_size}` : `${slots.length} most recently used of ${number(win.slots)} slots`;
    const g = this.geometry(win, slots);
    this.drawHeads(ctx, win, cursor, theme, g);
    this.drawRows(ctx, win, cursor, theme, slots, g);
    this.drawMarks(ctx, win, cursor, theme, slots, g);
    this.drawNumbers(ctx, win, cursor, theme, slots, g);
    this.drawFocus(ctx, cursor, theme, slots, g);
  }

  geometry(win, slots) {
    const lanes = win.heads <= MAX_LANES ? win.heads : 1, width = Math.max(28, lanes * LANE);
    const reads = 0, writes = reads + width + 6, erased = writes + width + 5;
    const digits = String(win.slots - 1).length + Math.floor((String(win.slots - 1).length - 1) / 3);
    const cells = erased + 11 + Math.max(18, digits * 6.2 + 10);
    const age = this.w - 28;
    const rowH = Math.min(24, (this.h - HEAD_ROW) / Math.max(1, slots.length));
    return { lanes, width, reads, writes, erased, cells, cellW: age - 4 - cells, rowH, top: HEAD_ROW };
  }

  drawHeads(ctx, win, cursor, theme, g) {
    for (let h = 0; h < g.lanes && g.lanes === win.heads; h++) {
      const weight = cursor.head === h ? 700 : 400;
      text(ctx, theme, h, g.reads + (h + 0.5) * LANE, 19, { size: 10, align: "center", weight });
      text(ctx, theme, h, g.writes + (h + 0.5) * LANE, 19, { size: 10, align: "center", weight });
    }
    text(ctx, theme, "read", g.reads + 2, 6, { size: 10.5, color: theme.read, weight: 600 });
    text(ctx, theme, "write", g.writes + 2, 6, { size: 10.5, color: theme.write, weight: 600 });
    text(ctx, theme, "slot", g.cells - 6, 19, { size: 10.5, align: "right" });
    text(ctx, theme, `content, ${win.word_size} element${win.word_size === 1 ? "" : "s"}`, g.cells, 19, { size: 10.5 });
    text(ctx, theme, "idle", this.w - 2, 19, { size: 10.5, align: "right" });
  }

  drawRows(ctx, win, cursor, theme, slots, g) {
    const { word_size: W } = win, image = new ImageData(W, slots.length), factor = win.unit / win.scale;
    const blank = mix(theme.parts.ground, theme.parts.ink, 0.07);
    slots.forEach((slot, r) => {
      const row = win.row(slot, cursor.t), untouched = !row || row.every((v) => v === 0);
      for (let c = 0; c < W; c++) {
        const color = untouched ? blank : theme.content[127 + Math.round(127 * clamp(row[c] * factor, -1, 1))];
        image.data.set(color, 4 * (r * W + c));
        image.data[4 * (r * W + c) + 3] = 255;
      }
    });
    this.small ??= document.createElement("canvas");
    Object.assign(this.small, { width: W, height: slots.length });
    this.small.getContext("2d").putImageData(image, 0, 0);
    ctx.imageSmoothingEnabled = false;
    ctx.drawImage(this.small, g.cells, g.top, g.cellW, g.rowH * slots.length);
    ctx.fillStyle = theme.ground;
    for (let r = 1; r < slots.length; r++) ctx.fillRect(g.cells, g.top + Math.round(r * g.rowH) - 0.5, g.cellW, 1);
    slots.forEach((slot, r) => this.spot(0, g.top + r * g.rowH, this.w, g.rowH, { slot, row: r, column: null }));
    this.shown = { slots, g };
  }

  drawMarks(ctx, win, cursor, theme, slots, g) {
    const rowOf = new Map(slots.map((slot, r) => [slot, g.top + (r + 0.5) * g.rowH]));
    this.touched = new Set();
    for (const e of [...win.entries("write", cursor.t), ...win.entries("read", cursor.t)]) {
      const y = rowOf.get(e.slot), dim = cursor.head !== null && cursor.head !== e.head;
      if (y === undefined) continue;
      ctx.globalAlpha = dim ? 0.25 : 1;
      if (e.erases) {
        ctx.strokeStyle = theme.erase;
        ctx.lineWidth = 1.6;
        cross(ctx, g.erased + 4, y, Math.min(3, g.rowH / 2 - 0.6));
        this.touched.add(e.slot);
      }
      if (e.weight <= win.threshold) continue;
      this.touched.add(e.slot);
      ctx.fillStyle = theme[e.kind];
      const x = (e.kind === "read" ? g.reads : g.writes) + ((g.lanes === win.heads ? e.head : 0) + 0.5) * LANE;
      const r = Math.min(g.rowH / 2 - 0.2, 1.2 + 2.8 * Math.sqrt(Math.min(1, e.weight)));
      (e.kind === "read" ? dot : square)(ctx, x, y, r);
    }
    ctx.globalAlpha = 1;
  }

  // Every number where rows are high enough; else the touched ones and as many others as fit without touching.
  drawNumbers(ctx, win, cursor, theme, slots, g) {
    const taken = [], gap = 10.5;
    const order = [...slots.keys()].sort((x, y) => this.rank(slots[y], cursor, win) - this.rank(slots[x], cursor, win) || x - y);
    for (const r of order) {
      const slot = slots[r], y = g.top + (r + 0.5) * g.rowH;
      const idle = idleSteps(win.lastAccess(slot, cursor.t), cursor.t);
      if (taken.some((other) => Math.abs(other - y) < gap)) continue;
      taken.push(y);
      const hot = this.touched.has(slot) || slot === cursor.slot;
      text(ctx, theme, number(slot), g.cells - 6, y, { size: 10.5, align: "right", color: hot ? theme.ink : theme.muted, weight: hot ? 600 : 400 });
      text(ctx, theme, idle === null ? "–" : number(idle), this.w - 2, y, { size: 10.5, align: "right", color: idle === 0 ? theme.ink : theme.muted });
    }
  }

  rank(slot, cursor, win) {
    if (slot === cursor.slot) return 3;
    return this.touched.has(slot) ? 2 : win.slots > 64 || slot % 4 === 0 ? 1 : 0;
  }

  drawFocus(ctx, cursor, theme, slots, g) {
    const r = slots.indexOf(cursor.slot);
    if (r < 0) return;
    ctx.strokeStyle = theme.ink;
    ctx.lineWidth = 1.5;
    ctx.strokeRect(g.cells - 0.75, g.top + r * g.rowH - 0.75, g.cellW + 1.5, g.rowH + 1.5);
  }

  what({ win, cursor }, x, y) {
    const spot = this.at(x, y);
    if (!spot || !win?.has(cursor.t)) return null;
    const { g } = this.shown, column = Math.floor(((x - g.cells) / g.cellW) * win.word_size);
    const lines = [slotSentence(win, spot.slot, cursor.t), ...slotEntries(win, spot.slot, cursor.t).slice(0, 4).map((e) => entrySentence(win, e))];
    const row = win.row(spot.slot, cursor.t);
    if (row && column >= 0 && column < win.word_size) lines.push(`element ${column}: ${(row[column] * win.unit).toFixed(3)}`);
    return { t: cursor.t, slot: spot.slot, text: lines };
  }
}
