// What each head read and wrote: a lane for a head, a bar for an entry, both on the same fixed scale.
const MIN_LANE = 34, GAUGE = 8;

class WeightsPanel extends Panel {
  constructor() { super("Weights", "weights"); }

  keyOf({ win, cursor, theme }) { return [win?.id, theme.mode, cursor.t, cursor.slot, cursor.head].join(); }

  draw(ctx, { win, cursor, theme }) {
    if (!win?.has(cursor.t)) return say(ctx, theme, this, "Reading steps …");
    const fits = Math.max(1, Math.floor((this.h - 14) / MIN_LANE)), first = this.firstHead(win, cursor, fits);
    const shown = Math.min(win.heads, fits), laneH = Math.min(110, (this.h - 14) / shown);
    const columns = this.columns(win), reads = win.entries("read", cursor.t), writes = win.entries("write", cursor.t);
    this.showLegend([["read", "read"], ["write", "write"], win.erases && ["erase", "erased first"]]);
    const negative = [...reads, ...writes].some((e) => e.weight < 0);
    const heads = shown < win.heads ? `heads ${first}–${first + shown - 1} of ${win.heads} · ` : "";
    this.note.textContent = `${heads}bar height is √weight${heads ? "" : ", full at 1"}${negative ? " · hollow: negative" : ""}`;
    const parts = columns.read.cell * columns.read.count > 170;
    const dropped = ({ count, all }) => (count < all ? `${count} of ${all}${parts ? ": " : ""}` : "");
    text(ctx, theme, "head", 0, 6, { size: 10.5 });
    this.drawHead(ctx, theme, "read", [`${dropped(columns.read)}${parts ? `slot, weight${win.a.read_score ? ", cosine" : ""}` : ""}`], columns.read.x + 14);
    this.drawHead(ctx, theme, "write", [`${dropped(columns.write)}${parts ? "slot, weight" : ""}`, dropped(columns.write).replace(": ", "")], columns.write.x);
    for (let k = 0; k < shown; k++) {
      const head = first + k, y = 14 + k * laneH;
      ctx.globalAlpha = cursor.head !== null && cursor.head !== head ? 0.35 : 1;
      this.drawLane(ctx, theme, head, y, laneH, k);
      const byWeight = reads.filter((e) => e.head === head).sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
      this.drawEntries(ctx, win, cursor, theme, byWeight, columns.read, y, laneH);
      this.drawEntries(ctx, win, cursor, theme, this.ordered(writes.filter((e) => e.head === head), columns.write.count), columns.write, y, laneH);
      ctx.globalAlpha = 1;
    }
  }

  // The kind, and of what can be said about its entries the first that fits.
  drawHead(ctx, theme, kind, whats, x) {
    text(ctx, theme, kind, x, 6, { size: 10.5, weight: 600, color: theme[kind] });
    const from = x + ctx.measureText(kind).width + 6;
    ctx.font = `400 10.5px ${theme.font}`;
    const what = whats.find((each) => from + ctx.measureText(each).width <= this.w);
    if (what) text(ctx, theme, what, from, 6, { size: 10.5 });
  }

  firstHead(win, cursor, fits) {
    return fits >= win.heads ? 0 : clamp((cursor.head ?? 0) - Math.floor(fits / 2), 0, win.heads - fits);
  }

  columns(win) {
    const left = 18, gap = 12, room = this.w - left - gap, narrow = GAUGE + 6 + 6 * number(win.slots - 1).length;
    const most = Math.max(2, Math.floor(room / Math.max(42, narrow)));
    const writes = Math.min(win.writes, Math.max(1, Math.ceil((most * win.writes) / (win.reads + win.writes))));
    const reads = Math.min(win.reads, Math.max(1, most - writes)), cell = Math.min(72, room / (reads + writes));
    return { read: { x: left, count: reads, cell, all: win.reads }, write: { x: left + reads * cell + gap, count: writes, cell, all: win.writes } };
  }

  // The entries that came from reads by weight, the least recently accessed slot always last.
  ordered(entries, count) {
    const lra = entries.filter((e) => e.erases), rest = entries.filter((e) => !e.erases);
    return [...rest.sort((a, b) => b.weight - a.weight).slice(0, count - lra.length), ...lra];
  }

  drawLane(ctx, theme, head, y, h, k) {
    if (k > 0) {
      ctx.fillStyle = theme.line;
      ctx.fillRect(0, Math.round(y), this.w, 1);
    }
    text(ctx, theme, head, 3, y + h / 2, { size: 13, weight: 600, color: theme.ink });
    this.spot(0, y, 20, h, { head });
  }

  // A cell is a gauge with its slot, weight and cosine beside it.
  drawEntries(ctx, win, cursor, theme, entries, column, y, laneH) {
    const top = y + 7, room = laneH - 13;
    if (!entries.length) text(ctx, theme, "no entry", column.x, y + laneH / 2);
    entries.slice(0, column.count).forEach((e, i) => {
      const x = column.x + i * column.cell, tall = Math.max(1.5, Math.sqrt(Math.min(1, Math.abs(e.weight))) * room);
      const quiet = e.weight <= win.threshold;
      ctx.fillStyle = theme.wash;
      ctx.fillRect(x, top, GAUGE, room);
      ctx.fillStyle = ctx.strokeStyle = quiet ? theme.faint : theme[e.kind];
      ctx.lineWidth = 1;
      if (e.weight < 0) ctx.strokeRect(x + 0.5, top + room - tall + 0.5, GAUGE - 1, tall - 1); // taken away: hollow
      else ctx.fillRect(x, top + room - tall, GAUGE, tall);
      this.drawLabels(ctx, cursor, theme, e, x + GAUGE + 4, y + laneH / 2, quiet, laneH >= 54);
      this.spot(x - 2, y, column.cell, laneH, e);
    });
  }

  drawLabels(ctx, cursor, theme, e, x, middle, quiet, three) {
    const scored = three && e.kind === "read" && (e.linked || Number.isFinite(e.score)), third = scored || (three && e.erases);
    const y = middle - (third ? 14 : 7);
    text(ctx, theme, number(e.slot), x, y, { size: 11.5, weight: 600, color: theme.ink });
    const slotWidth = ctx.measureText(number(e.slot)).width;
    if (e.slot === cursor.slot) {
      ctx.strokeStyle = theme.ink;
      ctx.lineWidth = 1.2;
      ctx.strokeRect(x - 2.5, y - 7.5, slotWidth + 5, 14);
    }
    text(ctx, theme, weightText(e.weight), x, y + 15, { size: 11.5, color: quiet ? theme.muted : theme.ink });
    if (scored) text(ctx, theme, e.linked ? "link" : e.score.toFixed(2).replace("-", "−"), x, y + 29, { size: 10.5 });
    if (!e.erases) return;
    ctx.strokeStyle = theme.erase;
    ctx.lineWidth = 1.8;
    if (three) cross(ctx, x + 4, y + 29, 3.2);
    else cross(ctx, x + slotWidth + 7, y, 3);
  }

  what({ win }, x, y) {
    const e = this.at(x, y);
    if (!e) return null;
    if (e.slot === undefined) return { head: e.head, text: [`head ${e.head}: click to bring it forward`] };
    const lines = [entrySentence(win, e)];
    if (e.kind === "read" && Number.isFinite(e.score)) lines.push(`cosine of query and word ${e.score.toFixed(3)}`);
    if (e.linked) lines.push("not found by content: a link alone led here");
    if (e.weight <= win.threshold) lines.push(`not above the access threshold ${win.threshold.toPrecision(1)}`);
    return { t: e.t, slot: e.slot, head: e.head, text: lines };
  }
}
