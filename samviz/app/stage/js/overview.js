// Time x slots of the whole run: the strongest access of every cell, the answers, the cursor; drag zooms.
const GUTTER = 52;

class OverviewPanel extends Panel {
  constructor(actions) {
    super("Accesses", "overview");
    this.fitButton = make("button", { class: "small", type: "button", text: "Fit all (F)", on: { click: () => actions.zoom(null) } });
    this.extra.prepend(this.fitButton);
    this.drag = null;
  }

  keyOf({ feed, cursor, theme, page, source }) {
    return [feed?.id, theme.mode, cursor.t, cursor.slot, page, source, this.drag?.from, this.drag?.to].join();
  }

  box() { return { x: GUTTER, y: 2, w: this.w - GUTTER - 6, h: this.h - 34 }; }
  xOf(feed, t) { const b = this.box(); return b.x + ((t - feed.start) / Math.max(1, feed.stop - feed.start)) * b.w; }
  stepAt(feed, x) {
    const b = this.box();
    return clamp(Math.floor(feed.start + ((x - b.x) / b.w) * (feed.stop - feed.start)), feed.start, feed.stop - 1);
  }

  draw(ctx, view) {
    const { feed, theme, cursor, page, source } = view;
    this.fitButton.hidden = !feed?.zoomed;
    if (!feed) return say(ctx, theme, this, "Reading the trace …");
    this.note.textContent = this.describe(feed);
    const answers = feed.a.episode_verdict.some((v) => v > 0);
    this.showLegend([["read", "read"], ["write", "write"], feed.erases && ["erase", "erased"], answers && ["wrong", "wrong answer"], answers && ["right", "right answer"]]);
    this.layer("heat", `${feed.id}${theme.mode}`, (layer) => this.drawStatic(layer, feed, theme));
    const b = this.box();
    if (page) this.drawPage(ctx, feed, theme, page, b);
    if (cursor.slot !== null) this.drawSlot(ctx, view, b);
    if (source.length) for (const s of source) this.drawSource(ctx, feed, theme, s, b);
    this.drawCursor(ctx, feed, theme, cursor.t, b);
    if (this.drag) {
      ctx.fillStyle = theme.ink;
      ctx.globalAlpha = 0.12;
      ctx.fillRect(Math.min(this.drag.from, this.drag.to), b.y, Math.abs(this.drag.to - this.drag.from), b.h);
      ctx.globalAlpha = 1;
    }
  }

  describe(feed) {
    const columns = feed.a.edges.length - 1, per = columns ? feed.a.edges[1] - feed.a.edges[0] : 1;
    const time = per > 1 ? `1 column = ${number(per)} steps` : "1 column = 1 step";
    const shown = feed.zoomed ? `steps ${number(feed.start)}–${number(feed.stop - 1)} of ${number(feed.steps)}` : steps(feed.steps);
    return `${shown} × ${feed.label} · ${time}${per > 1 && !feed.label.includes("maximum") ? ", maximum shown" : ""}`;
  }

  drawStatic(ctx, feed, theme) {
    const b = this.box();
    ctx.fillStyle = theme.wash;
    ctx.fillRect(b.x, b.y, b.w, b.h);
    drawHeat(ctx, feed, theme, b, this.dpr);
    this.drawRowLabels(ctx, feed, theme, b);
    this.drawEpisodes(ctx, feed, theme, b);
    this.drawAnswers(ctx, feed, theme, b);
    for (const t of ticks(feed.start, feed.stop, b.w / 90)) {
      text(ctx, theme, number(t), clamp(this.xOf(feed, t + 0.5), b.x + 8, b.x + b.w - 16), this.h - 8, { align: "center" });
    }
  }

  drawRowLabels(ctx, feed, theme, b) {
    const rows = feed.a.low.length, shown = Math.min(rows, Math.max(2, Math.floor(b.h / 34)));
    for (let k = 0; k < shown && rows; k++) {
      const row = shown === 1 ? 0 : Math.round((k * (rows - 1)) / (shown - 1));
      const y = clamp(b.y + ((row + 0.5) / rows) * b.h, b.y + 6, b.y + b.h - 6);
      text(ctx, theme, number(feed.a.low[row]), b.x - 6, y, { align: "right" });
    }
  }

  drawEpisodes(ctx, feed, theme, b) {
    const starts = feed.a.episode_start.filter((t) => t > feed.start && t < feed.stop);
    if (starts.length * 5 > b.w) return;
    ctx.fillStyle = theme.faint;
    for (const t of starts) ctx.fillRect(Math.round(this.xOf(feed, t)) - 0.5, b.y, 1, b.h + 14);
  }

  drawAnswers(ctx, feed, theme, b) {
    const y = b.y + b.h + 3, h = 9;
    text(ctx, theme, "answers", b.x - 6, y + h / 2, { align: "right" });
    if (feed.a.episode_verdict.every((v) => v === 0)) text(ctx, theme, "no answers were recorded", b.x, y + h / 2);
    for (let c = 0; c < feed.a.wrong.length; c++) {
      if (feed.a.wrong[c] < 0) continue;
      const x = this.xOf(feed, feed.a.edges[c]), w = Math.max(3, this.xOf(feed, feed.a.edges[c + 1]) - x - 1);
      if (feed.a.wrong[c] > 0 && w >= 6) hatch(ctx, x, y, w, h, theme.ink, theme.ground);
      else if (feed.a.wrong[c] > 0) {
        ctx.fillStyle = theme.ink;
        ctx.fillRect(x, y, w, h);
      }
      else {
        ctx.strokeStyle = theme.muted;
        ctx.lineWidth = 1;
        ctx.beginPath();
        ctx.arc(x + w / 2, y + h / 2, w < 6 ? 1.5 : 3.2, 0, 2 * Math.PI);
        ctx.stroke();
      }
    }
  }

  drawPage(ctx, feed, theme, [from, to], b) {
    const x = clamp(this.xOf(feed, from), b.x, b.x + b.w), end = clamp(this.xOf(feed, to), b.x, b.x + b.w);
    if (end <= x) return;
    ctx.fillStyle = theme.muted;
    ctx.fillRect(x, this.h - 18, Math.max(2, end - x), 2);
  }

  drawSlot(ctx, { feed, theme, cursor, events }, b) {
    const row = rowOf(feed, cursor.slot);
    if (row < 0) return;
    const rows = feed.a.low.length, y = b.y + ((row + 0.5) / rows) * b.h;
    ctx.fillStyle = theme.ink;
    ctx.globalAlpha = 0.28;
    ctx.fillRect(b.x, Math.round(y) - 0.5, b.w, 1);
    ctx.globalAlpha = 1;
    ctx.fillStyle = theme.ground;
    ctx.fillRect(0, y - 6, b.x - 2, 12);
    text(ctx, theme, number(cursor.slot), b.x - 6, clamp(y, b.y + 6, b.y + b.h - 6), { weight: 600, color: theme.ink, align: "right" });
    if (!events || events.slot !== cursor.slot) return;
    events.a.step.forEach((t, i) => {
      if (t < feed.start || t >= feed.stop) return;
      const kind = events.a.what[i] & WRITE ? "write" : events.a.what[i] & READ ? "read" : "erase";
      ctx.fillStyle = ctx.strokeStyle = theme[kind];
      (kind === "write" ? square : kind === "read" ? dot : cross)(ctx, this.xOf(feed, t + 0.5), y, 2.6);
    });
  }

  drawSource(ctx, feed, theme, t, b) {
    if (t < feed.start || t >= feed.stop) return;
    const x = this.xOf(feed, t + 0.5), y = b.y + b.h + 2;
    ctx.fillStyle = theme.source;
    ctx.beginPath();
    ctx.moveTo(x, y);
    ctx.lineTo(x - 5, y + 9);
    ctx.lineTo(x + 5, y + 9);
    ctx.fill();
  }

  drawCursor(ctx, feed, theme, t, b) {
    if (t < feed.start || t >= feed.stop) return;
    const x = this.xOf(feed, t), w = Math.max(1.5, (b.w / (feed.stop - feed.start)) * 1);
    ctx.strokeStyle = theme.ink;
    ctx.lineWidth = 1.5;
    if (w > 5) ctx.strokeRect(x, b.y - 0.5, w, b.h + 15);
    else {
      ctx.fillStyle = theme.ink;
      ctx.fillRect(x + w / 2 - 0.75, b.y - 1, 1.5, b.h + 16);
    }
  }

  what(view, x, y) {
    const { feed, win } = view, b = this.box();
    if (!feed || x < b.x - 4 || x > b.x + b.w + 4) return null;
    const t = this.stepAt(feed, x), row = Math.floor(((y - b.y) / b.h) * feed.a.low.length);
    if (row < 0 || row >= feed.a.low.length) return { t };
    const slot = feed.a.low[row] === feed.a.high[row] ? feed.a.low[row] : null;
    const found = slot !== null && win?.has(t) ? slotEntries(win, slot, t) : [];
    const place = slot !== null ? `slot ${number(slot)}` : `slots ${number(feed.a.low[row])}–${number(feed.a.high[row])}`;
    const quiet = slot !== null && win?.has(t) ? `: no access above ${win.threshold.toPrecision(1)}` : "";
    const lines = found.length ? found.slice(0, 4).map((e) => entrySentence(win, e)) : [`step ${number(t)}, ${place}${quiet}`];
    return { t, slot, text: lines };
  }
}
