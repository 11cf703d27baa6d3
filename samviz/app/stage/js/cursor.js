// The one cursor: step, focused slot and head, zoom. Everything that moves goes through here.
const REPORT_AFTER_MS = 250;

class Cursor {
  constructor({ changed, report }) {
    Object.assign(this, { t: 0, slot: null, head: null, zoom: null, steps: 1, slots: 1, heads: 1, trace: null, seq: -1 });
    this.changed = changed;
    this.report = report;
    this.asked = null;
    this.timer = 0;
  }

  // Obey Python, once per sequence number.
  obey(command) {
    if (command.seq === this.seq && command.trace === this.trace) return;
    const { trace, t, slot, head, zoom, seq, steps, slots, heads } = command;
    Object.assign(this, { trace, t, slot, head, zoom, seq, steps, slots, heads, asked: null });
    clearTimeout(this.timer);
    this.changed();
  }

  move(t) { this.set({ t: clamp(Math.round(t), 0, this.steps - 1) }); }
  step(by) { this.move(this.t + by); }

  focus(slot, head = this.head) {
    const valid = (v, count) => (Number.isInteger(v) && v >= 0 && v < count ? v : null);
    this.set({ slot: valid(slot, this.slots), head: valid(head, this.heads) });
  }

  set(change) {
    if (Object.keys(change).every((name) => Object.is(this[name], change[name]))) return;
    Object.assign(this, change);
    this.changed();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(true), REPORT_AFTER_MS);
  }

  setZoom(zoom) {
    this.zoom = zoom;
    this.changed();
    clearTimeout(this.timer);
    this.send(true);
  }

  // Ask for the window of the cursor's block, once per block.
  want(block) {
    if (this.asked === block) return;
    this.asked = block;
    this.send(false);
  }

  send(rest) {
    const { trace, t, slot, head, zoom, seq } = this;
    this.report({ trace, t, slot, head, zoom, seq, rest });
  }

  url() {
    const url = new URL(document.location.href);
    url.search = "";
    url.hash = "";
    for (const name of ["trace", "t", "slot", "head"]) if (this[name] !== null) url.searchParams.set(name, this[name]);
    if (this.zoom) url.searchParams.set("window", this.zoom.join("-"));
    return url.toString();
  }

  stop() { clearTimeout(this.timer); }
}
