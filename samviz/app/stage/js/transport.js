// First, previous, play, next, last; speed; slider; where in the run.
const SPEEDS = [2, 5, 10, 30, 60];

class Transport {
  constructor(cursor) {
    this.cursor = cursor;
    this.playing = false;
    const button = (name, label, act) => make("button", { type: "button", "aria-label": label, title: label, class: `nav ${name}`, on: { click: act } }, [icon(name)]);
    this.playButton = button("play", "play", () => this.toggle());
    this.speed = make("select", { "aria-label": "speed" }, SPEEDS.map((s) => make("option", { value: s, text: `${s} steps/s`, selected: s === 10 })));
    this.slider = make("input", { type: "range", min: 0, step: 1, "aria-label": "timeline", on: { input: (e) => cursor.move(Number(e.target.value)) } });
    this.place = make("span", { class: "place" });
    this.node = make("div", { class: "transport", role: "group", "aria-label": "transport" }, [
      button("first", "first step", () => cursor.move(0)),
      button("back", "previous step", () => cursor.step(-1)),
      this.playButton,
      button("forward", "next step", () => cursor.step(1)),
      button("last", "last step", () => cursor.move(cursor.steps - 1)),
      this.speed, this.slider, this.place,
    ]);
  }

  show() {
    const { t, steps: all } = this.cursor;
    this.slider.max = all - 1;
    this.slider.value = t;
    this.slider.style.setProperty("--done", `${(100 * t) / Math.max(1, all - 1)}%`);
    this.slider.setAttribute("aria-valuetext", `step ${t} of ${all - 1}`);
    this.place.replaceChildren(make("b", { text: number(t) }), document.createTextNode(` / ${number(all - 1)}`));
  }

  toggle(playing = !this.playing) {
    if (playing === this.playing) return;
    this.playing = playing;
    const name = playing ? "pause" : "play";
    this.playButton.replaceChildren(icon(name));
    this.playButton.setAttribute("aria-label", name);
    this.playButton.title = name;
    this.frames = 0;
    this.began = this.due = performance.now();
    if (playing && this.cursor.t >= this.cursor.steps - 1) this.cursor.move(0);
    this.cursor.changed();
  }

  // One animation frame: advance by as many steps as are due; hold where the next steps are still on their way.
  tick(now, ready) {
    if (!this.playing) return;
    this.frames += 1;
    const interval = 1000 / Number(this.speed.value), due = Math.floor((now - this.due) / interval);
    if (due < 1) return;
    this.due = due > 4 ? now : this.due + due * interval;
    if (!ready) return;
    this.cursor.step(Math.min(due, 4));
    if (this.cursor.t >= this.cursor.steps - 1) this.toggle(false);
  }
}
