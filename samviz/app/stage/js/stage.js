// Puts the stage together: one cursor, the panels it moves, one paint for each animation frame.
let serial = 0;
const stages = new WeakMap();

class Stage {
  constructor(parent, send) {
    this.send = send;
    this.windows = [];
    this.cursor = new Cursor({ changed: () => this.changed(), report: (r) => this.send.report(r) });
    this.build(parent);
    this.listen();
    this.themeOf = readTheme(this.root);
    for (const [kind, message] of bus.last) this.hear(kind, message);
    this.observer = new ResizeObserver(() => this.changed());
    for (const panel of this.panels) this.observer.observe(panel.body);
    document.fonts?.ready.then(() => this.retheme());
  }

  build(parent) {
    const c = this.cursor;
    this.tip = new Tooltip();
    this.help = helpDialog();
    this.header = new Header({
      open: (name) => this.send.open(name),
      episode: (n) => toEpisode(this, n),
      step: (n) => n !== null && c.move(n),
      slot: (n) => c.focus(n),
      head: (n) => c.focus(c.slot, n),
      copy: (status) => copyLink(this, status),
      help: () => toggleHelp(this),
    });
    this.transport = new Transport(c);
    this.overview = new OverviewPanel({ zoom: (z) => c.setZoom(z) });
    const panels = [new MemoryPanel(), new WeightsPanel(), new UsagePanel(), new TaskPanel(), new GatesPanel()];
    this.panels = [this.overview, ...panels];
    this.foot = make("footer", { class: "foot" });
    this.root = make("div", { class: "samviz" }, [
      this.header.node, this.overview.node, this.transport.node,
      make("div", { class: "grid" }, panels.map((p) => p.node)), this.foot, this.tip.node, this.help,
    ]);
    for (const stale of parent.querySelectorAll(".samviz")) stale.remove();
    parent.append(this.root);
  }

  listen() {
    const c = this.cursor;
    this.heard = (kind, message) => this.hear(kind, message);
    bus.listeners.add(this.heard);
    this.keydown = keyHandler({
      step: (by) => c.step(by),
      first: () => c.move(0),
      last: () => c.move(c.steps - 1),
      play: () => this.transport.toggle(),
      event: (direction) => toEvent(this, direction),
      goTo: () => { this.header.step.focus(); this.header.step.select(); },
      fit: () => c.zoom && c.setZoom(null),
      help: () => toggleHelp(this),
      clear: () => clearAll(this),
      timed: (at) => { this.keyAt ??= at; },
    });
    window.addEventListener("keydown", this.keydown);
    for (const panel of this.panels) listenToPanel(this, panel);
    listenToDrag(this, this.overview);
  }

  hear(kind, { header, arrays }) {
    const message = { ...header, a: arrays, id: ++serial };
    if (kind === "command") {
      this.traces = header.traces;
      this.cursor.obey(header);
    } else if (kind === "overview") this.feed = message;
    else if (kind === "events") this.events = message;
    this.changed();
  }

  receive(data) {
    const win = new Window(decode(data));
    win.id = ++serial;
    this.windows = [win, ...this.windows.filter((w) => w.uuid === win.uuid && w.block !== win.block)].slice(0, 3);
    this.cursor.asked = null;
    this.changed();
  }

  // The window that shows the cursor: the one whose core it is in, else any that holds it.
  current() {
    const fit = this.windows.filter((w) => w.trace === this.cursor.trace && w.has(this.cursor.t));
    return fit.find((w) => !w.needs(this.cursor.t)) ?? fit[0] ?? null;
  }

  view() {
    const { cursor, events, themeOf: theme } = this, win = this.current();
    const feed = this.feed?.trace === cursor.trace ? this.feed : null;
    return { cursor, feed, win, events, theme, traces: this.traces ?? [], page: win ? win.page(cursor.t) : null, source: win ? sourcesOf(win, cursor.t) : [] };
  }

  changed() {
    if (this.frame || this.stopped) return;
    this.frame = requestAnimationFrame((now) => this.paint(now));
  }

  paint(now) {
    this.frame = 0;
    this.transport.tick(now, this.current() !== null);
    const view = this.view(), { cursor } = this;
    for (const panel of this.panels) {
      panel.fit();
      panel.paint(view);
    }
    this.header.show(view);
    this.transport.show();
    this.showFoot(view);
    this.mark(view);
    this.fetch(view);
    if (this.transport.playing) this.changed();
  }

  fetch({ win, cursor }) {
    if (cursor.trace !== null && (!win || win.needs(cursor.t))) cursor.want(`${cursor.trace}:${Math.floor(cursor.t / 128)}`);
  }

  showFoot({ win, feed }) {
    if (!win || win.id === this.footOf) return;
    this.footOf = win.id;
    const parts = [`Marks show weights above ${win.threshold.toPrecision(1)}.`];
    if (win.read_of) parts.push(`Each head reads ${number(win.read_of)} slots; its ${number(win.reads)} largest weights were recorded.`);
    if (!win.a.read_score) parts.push("Cosines of query and row were not recorded.");
    if (!win.links) parts.push(`Links were not recorded${win.model ? `: this is ${/^[AEIOU]/.test(win.model) ? "an" : "a"} ${win.model} trace` : ""}.`);
    if (win.began_full) parts.push("The memory was not empty when recording began: what happened before is not counted.");
    if (win.batch > 1) parts.push(`Batch element 0 of ${win.batch} is shown.`);
    this.foot.textContent = parts.join(" ");
  }

  // What tests and benchmarks wait for.
  mark({ win, feed, cursor }) {
    const { dataset } = this.root;
    Object.assign(dataset, { t: cursor.t, slot: cursor.slot ?? "", head: cursor.head ?? "", trace: cursor.trace ?? "" });
    dataset.block = win ? win.block : "";
    dataset.ready = win && feed ? "1" : "0";
    dataset.playing = this.transport.playing ? "1" : "0";
    dataset.zoom = feed?.zoomed ? `${feed.start}-${feed.stop}` : "";
    dataset.events = this.events && this.events.slot === cursor.slot ? this.events.slot ?? "" : "";
    if (this.keyAt !== undefined) this.measure(this.keyAt);
    this.keyAt = undefined;
    if (this.transport.playing) dataset.fps = ((1000 * this.transport.frames) / Math.max(1, performance.now() - this.transport.began)).toFixed(1);
  }

  // From the key to the end of the frame that shows its effect.
  measure(start) {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      performance.measure("samviz-key-to-paint", { start, end: performance.now() });
      this.root.dataset.paints = Number(this.root.dataset.paints ?? 0) + 1;
      channel.port1.close();
    };
    channel.port2.postMessage(0);
  }

  retheme() {
    if (this.stopped) return;
    this.themeOf = readTheme(this.root);
    const { content } = this.themeOf;
    this.root.style.setProperty("--content", `linear-gradient(90deg, ${[0, 31, 63, 95, 115, 127, 139, 159, 191, 223, 254].map((i) => `${rgb(content[i])} ${(100 * i) / 254}%`).join(", ")})`);
    this.root.dataset.mode = this.themeOf.mode;
    for (const panel of this.panels) panel.reset();
    this.changed();
  }

  stop() {
    this.stopped = true;
    cancelAnimationFrame(this.frame);
    window.removeEventListener("keydown", this.keydown);
    bus.listeners.delete(this.heard);
    this.observer.disconnect();
    this.cursor.stop();
    clearTimeout(this.copyTimer);
    this.root.remove();
  }
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const send = { report: (report) => setStateValue("cursor", report), open: (name) => setTriggerValue("open", name) };
  let stage = stages.get(parentElement);
  if (!stage) stages.set(parentElement, (stage = new Stage(parentElement, send)));
  stage.send = send;
  if (stage.data !== data) {
    stage.data = data;
    stage.receive(data);
  }
  stage.retheme();
  return () => {
    stage.stop();
    stages.delete(parentElement);
  };
}
