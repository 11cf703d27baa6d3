// The window of steps that was sent: questions about a step, answered without the server.
const ERASE = 4, WRITE = 2, READ = 1;

class Window {
  constructor({ header, arrays }) {
    Object.assign(this, header);
    this.a = arrays;
    this.reads = arrays.read_slot.shape[2];
    this.writes = arrays.write_slot.shape[2];
    this.slotIndex = new Map(Array.from(arrays.base_slot, (slot, i) => [slot, i]));
    this.firstStep = this.episodeStarts();
    this.writesOf = this.indexBySlot(arrays.write_slot, (i) => i);
    this.accessesOf = this.indexBySlot(arrays.access_slot, (i) => arrays.access_step[i]);
    this.unit = (4 * header.scale) / 32767;
  }

  has(t) { return t >= this.start && t < this.stop; }
  needs(t) { return t < this.core_start || t >= this.core_stop; }

  // The first step in the window of each step's episode.
  episodeStarts() {
    const first = new Int32Array(this.a.episode.length);
    for (let i = 1; i < first.length; i++) first[i] = this.a.episode[i] === this.a.episode[i - 1] ? first[i - 1] : i;
    return first;
  }

  // For each tracked slot the ascending values of value(i) over the entries i that name it.
  indexBySlot(slots, value) {
    const lists = Array.from({ length: this.a.base_slot.length }, () => []);
    for (let i = 0; i < slots.length; i++) if (slots[i] >= 0) lists[this.slotIndex.get(slots[i])].push(value(i));
    return lists;
  }

  // Entries of one kind at step t: [{kind, head, entry, slot, weight, ...}], empty ones left out.
  entries(kind, t) {
    const size = kind === "read" ? this.reads : this.writes;
    const slots = this.a[`${kind}_slot`], found = [];
    const base = (t - this.start) * this.heads * size;
    for (let j = 0; j < this.heads * size; j++) {
      const slot = slots[base + j];
      if (slot >= 0) found.push(this.entry(kind, t, slot, Math.floor(j / size), j % size, base + j));
    }
    return found;
  }

  entry(kind, t, slot, head, entry, at) {
    const found = { kind, t, slot, head, entry, weight: this.a[`${kind}_weight`][at], last: this.a[`${kind}_usage`][at] };
    if (kind === "write") return { ...found, erases: this.erases && entry === this.writes - 1 };
    const score = this.a.read_score ? this.a.read_score[at] : NaN;
    const linked = this.links > 0 && this.a.read_score !== undefined && Number.isNaN(score); // a link alone led here
    return { ...found, score, linked, writer: this.a.writer_step[at], writerWeight: this.a.writer_weight[at] };
  }

  // The int16 row of a slot at the end of step t, or null for a memory that nothing has touched.
  row(slot, t) {
    const index = this.slotIndex.get(slot);
    if (index === undefined) return null;
    const i = t - this.start, perStep = this.heads * this.writes, list = this.writesOf[index];
    const at = lastBelow(list, (i + 1) * perStep);
    const first = this.firstStep[i];
    if (at >= 0 && list[at] >= first * perStep) return this.a.write_row.subarray(list[at] * this.word_size, (list[at] + 1) * this.word_size);
    return first === 0 ? this.a.base_row.subarray(index * this.word_size, (index + 1) * this.word_size) : null;
  }

  // The step of the slot's last access at the end of step t, -1 never in this episode, -1 - n: n steps before the run.
  lastAccess(slot, t) {
    const index = this.slotIndex.get(slot);
    if (index === undefined) return -1;
    const first = this.firstStep[t - this.start], list = this.accessesOf[index];
    const at = lastBelow(list, t + 1);
    if (at >= 0 && list[at] >= this.start + first) return list[at];
    return first === 0 ? this.a.base_last[index] : -1;
  }

  // At most `most` slots to show at step t, in slot order: all of them, or the focus, those touched, those used last.
  slotsAt(t, most, focus) {
    if (this.slots <= most) return Array.from({ length: this.slots }, (_, i) => i);
    const rank = new Map();
    for (const slot of this.a.base_slot) rank.set(slot, -(idleSteps(this.lastAccess(slot, t), t) ?? 2 ** 40));
    for (const e of [...this.entries("write", t), ...this.entries("read", t)]) {
      if (e.weight > this.threshold || e.erases) rank.set(e.slot, Math.max(rank.get(e.slot), 1 + Math.abs(e.weight)));
    }
    if (focus !== null && this.slotIndex.has(focus)) rank.set(focus, Infinity);
    const chosen = [...rank].sort((x, y) => y[1] - x[1] || x[0] - y[0]).slice(0, most);
    return chosen.map(([slot]) => slot).sort((x, y) => x - y);
  }

  // [from, to) of the page that holds step t, cut to the window.
  page(t) {
    const { pages } = this.a;
    let from = this.start, to = this.stop;
    for (let i = 0; i < pages.length - 1; i++) {
      if (pages[i] <= t) from = pages[i];
      else return [from, pages[i]];
    }
    return [from, to];
  }

  value(name, t, ...index) {
    const array = this.a[name];
    return array[index.reduce((at, i, axis) => at * array.shape[axis + 1] + i, t - this.start)];
  }
}

// How long ago an access was at the end of step t; null where there was none.
function idleSteps(last, t) {
  if (last === -1) return null;
  return last >= 0 ? t - last : t - last - 1;
}

// The place of the last value below `limit` in an ascending list, -1 without one.
function lastBelow(list, limit) {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
