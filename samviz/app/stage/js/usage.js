// Which slots were taken, which are next, and how long all of them have been idle.
class UsagePanel extends Panel {
  constructor() {
    super("Usage", "usage");
  }

  keyOf({ win, cursor, theme }) { return [win?.id, theme.mode, cursor.t, cursor.slot, cursor.head].join(); }

  draw(ctx, { win, cursor, theme }) {
    if (!win?.has(cursor.t)) return say(ctx, theme, this, "Reading steps …");
    this.note.textContent = win.erases ? `least ${win.queue ? "recently accessed" : "used"} slots are erased first` : "";
    const under = this.drawTaken(ctx, win, cursor, theme);
    const next = this.drawNext(ctx, win, cursor, theme, under + 10);
    this.drawAges(ctx, win, cursor, theme, next + 12);
  }

  drawTaken(ctx, win, cursor, theme) {
    text(ctx, theme, "Taken at this step", 0, 6, { size: 11, weight: 600, color: theme.ink });
    if (!win.erases) {
      text(ctx, theme, "This trace does not say which slots were erased.", 0, 24);
      return 32;
    }
    const taken = win.entries("write", cursor.t).filter((e) => e.erases);
    if (!taken.length) {
      text(ctx, theme, "No slot was taken.", 0, 24);
      return 32;
    }
    const columns = this.w > 260 ? 2 : 1, rows = Math.min(4, Math.ceil(taken.length / columns)), width = this.w / columns;
    taken.slice(0, rows * columns).forEach((e, i) => {
      const x = Math.floor(i / rows) * width, y = 23 + (i % rows) * 17;
      ctx.globalAlpha = cursor.head !== null && cursor.head !== e.head ? 0.35 : 1;
      ctx.strokeStyle = theme.erase;
      ctx.lineWidth = 1.8;
      cross(ctx, x + 5, y, 3.2);
      text(ctx, theme, `${number(e.slot)}`, x + 14, y, { size: 12, weight: 600, color: theme.ink });
      const after = x + 14 + ctx.measureText(number(e.slot)).width + 6;
      text(ctx, theme, e.last < 0 ? `head ${e.head}, never used` : `head ${e.head}, idle ${number(e.t - e.last)}`, after, y);
      ctx.globalAlpha = 1;
      this.spot(x, y - 8, width - 4, 17, e);
    });
    return 23 + rows * 17 - 6;
  }

  drawNext(ctx, win, cursor, theme, y) {
    text(ctx, theme, win.queue ? "Next in line" : "Longest idle", 0, y, { size: 11, weight: 600, color: theme.ink });
    const size = win.a.next_slot.shape[1], slots = [];
    for (let k = 0; k < size; k++) if (win.value("next_slot", cursor.t, k) >= 0) slots.push([win.value("next_slot", cursor.t, k), win.value("next_last", cursor.t, k)]);
    const chip = Math.max(34, 14 + 6.4 * number(win.slots - 1).length), shown = Math.min(slots.length, Math.floor((this.w + 4) / (chip + 4)));
    slots.slice(0, shown).forEach(([slot, last], k) => {
      const x = k * (chip + 4), sure = win.queue && k < win.heads;
      ctx.strokeStyle = sure ? theme.erase : theme.line;
      ctx.lineWidth = sure ? 1.5 : 1;
      ctx.strokeRect(x + 0.75, y + 10.75, chip - 1.5, 18.5);
      text(ctx, theme, number(slot), x + chip / 2, y + 20.5, { size: 11.5, weight: 600, align: "center", color: theme.ink });
      text(ctx, theme, last === -1 ? "never" : number(idleSteps(last, cursor.t)), x + chip / 2, y + 37, { size: 10, align: "center" });
      this.spot(x, y + 10, chip + 4, 34, { slot, next: k, last });
    });
    return y + 46;
  }

  // Bars on a logarithmic count: one slot is as visible as fifty thousand; the counts are written out.
  drawAges(ctx, win, cursor, theme, y) {
    if (this.h - 15 - (y + 24) < 14) return;
    text(ctx, theme, "All slots by idle steps", 0, y, { size: 11, weight: 600, color: theme.ink });
    const bins = win.a.ages.shape[1], used = Math.max(4, lastFilled(win.a.ages, bins)), counts = [];
    for (let k = 0; k < used; k++) counts.push(win.value("ages", cursor.t, k));
    counts.push(win.value("never", cursor.t));
    const base = this.h - 15, top = y + 24, w = Math.min(68, this.w / counts.length);
    counts.forEach((count, k) => {
      const x = k * w, tall = count ? Math.max(2, ((base - top) * Math.log2(1 + count)) / Math.log2(1 + win.slots)) : 0;
      const never = k === counts.length - 1;
      ctx.fillStyle = never ? theme.line : theme.faint;
      ctx.fillRect(x + 4, base - tall, w - 8, tall);
      ctx.fillStyle = theme.line;
      ctx.fillRect(x, base, w, 1);
      const labelled = w >= 27 || never || (k % 2 === 0 && k < counts.length - 2); // narrow bars: every other one
      if (count && labelled) text(ctx, theme, w < 40 ? short(count) : number(count), x + w / 2, base - tall - 7, { size: 10.5, align: "center", color: theme.ink });
      if (labelled) text(ctx, theme, never ? "never" : ageLabel(k, w), never ? Math.min(x + w / 2, this.w - 13) : x + w / 2, this.h - 6, { size: 10, align: "center" });
      this.spot(x, top - 10, w, this.h - top + 10, { bin: k, never, count });
    });
  }

  what({ cursor, win }, x, y) {
    const e = this.at(x, y);
    if (!e) return null;
    if (e.kind) return { t: e.t, slot: e.slot, head: e.head, text: [entrySentence(win, e)] };
    if (e.next !== undefined) {
      const order = !win.queue ? `number ${e.next + 1} by idle steps` : e.next < win.heads ? `head ${e.next} takes it next, unless it is accessed first` : `number ${e.next + 1} in line`;
      const idle = e.last === -1 ? "never accessed in this episode" : lastAccessText(e.last, cursor.t);
      return { slot: e.slot, text: [`slot ${number(e.slot)}: ${order}; ${idle}`] };
    }
    const when = e.never ? "never accessed in this episode" : `last accessed ${ageLabel(e.bin, 99)} steps before the end of step ${number(cursor.t)}`;
    return { text: [`${number(e.count)} slot${e.count === 1 ? "" : "s"} ${when}`] };
  }
}

function ageLabel(k, room) {
  const from = 2 ** k >> 1, to = 2 ** k - 1;
  return k < 2 ? String(k) : room > 40 ? `${number(from)}–${number(to)}` : `${short(from)}+`;
}

// How many bins hold anything anywhere in the window, so that the axis does not change from step to step.
function lastFilled(ages, bins) {
  let most = 0;
  for (let i = 0; i < ages.length; i++) if (ages[i] && i % bins >= most) most = (i % bins) + 1;
  return most;
}
