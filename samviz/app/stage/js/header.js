// The sticky line: trace, episode, step, slot, head, copy link.
class Header {
  constructor(actions) {
    this.trace = make("select", { "aria-label": "trace", class: "trace", on: { change: (e) => actions.open(e.target.value) } });
    this.episode = this.field("episode", (n) => actions.episode(n));
    this.step = this.field("step", (n) => actions.step(n));
    this.slot = this.field("slot", (n) => actions.slot(n), "none");
    this.head = make("select", { "aria-label": "head", on: { change: (e) => actions.head(e.target.value === "" ? null : Number(e.target.value)) } });
    this.copied = make("span", { class: "copied", role: "status" });
    const copy = make("button", { type: "button", text: "Copy link", on: { click: () => actions.copy(this.copied) } });
    const help = make("button", { type: "button", text: "?", "aria-label": "keys", class: "round", on: { click: actions.help } });
    this.verdict = make("output", { class: "verdict" });
    this.node = make("div", { class: "top", role: "toolbar", "aria-label": "selection" }, [
      this.trace,
      this.group("episode", this.episode, this.episodes = make("span", { class: "of" })),
      this.group("step", this.step, this.steps = make("span", { class: "of" })),
      this.group("slot", this.slot),
      this.group("head", this.head),
      this.verdict,
      this.copied, copy, help,
    ]);
  }

  group(name, ...nodes) { return make("label", { class: "group" }, [make("span", { class: "name", text: name }), ...nodes]); }

  field(name, act, placeholder = "") {
    const change = (e) => act(e.target.value === "" ? null : Number(e.target.value));
    const keydown = (e) => e.key === "Enter" && e.target.blur();
    return make("input", { type: "number", min: "0", "aria-label": name, class: name, placeholder, on: { change, keydown } });
  }

  show({ cursor, feed, win, traces }) {
    this.options(this.trace, traces.map((name) => [name, name]), cursor.trace);
    this.options(this.head, [["", "all"], ...Array.from({ length: cursor.heads }, (_, h) => [String(h), String(h)])], cursor.head === null ? "" : String(cursor.head));
    this.put(this.step, cursor.t, cursor.steps - 1);
    this.steps.textContent = `/ ${number(cursor.steps - 1)}`;
    this.put(this.slot, cursor.slot ?? "", cursor.slots - 1);
    const at = feed && feed.trace === cursor.trace ? lastBelow(feed.a.episode_start, cursor.t + 1) : -1;
    this.put(this.episode, at < 0 ? "" : feed.a.episode_number[at]);
    this.episodes.textContent = at < 0 ? "" : `of ${number(feed.a.episode_start.length)}`;
    this.showVerdict(win, cursor, feed, at);
  }

  showVerdict(win, cursor, feed, at) {
    if (!win?.has(cursor.t) || at < 0) return;
    const [words, tone] = stepVerdict(win, cursor.t);
    const within = `step ${number(cursor.t - feed.a.episode_start[at] + 1)} of ${number(feed.a.episode_stop[at] - feed.a.episode_start[at])} in the episode`;
    this.verdict.textContent = this.verdict.title = `${words} · ${within}`;
    this.verdict.dataset.tone = tone;
  }

  options(select, entries, value) {
    const key = JSON.stringify(entries);
    if (select.dataset.key !== key) {
      select.replaceChildren(...entries.map(([v, label]) => make("option", { value: v, text: label })));
      select.dataset.key = key;
    }
    if (select.value !== value) select.value = value;
  }

  // Never overwrite what somebody is typing.
  put(input, value, max) {
    if (max !== undefined) input.max = max;
    if (input.getRootNode().activeElement !== input) input.value = value;
  }
}
