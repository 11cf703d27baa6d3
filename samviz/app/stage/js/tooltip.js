// One sentence at the pointer.
class Tooltip {
  constructor() { this.node = make("div", { class: "tip", role: "tooltip", hidden: true }); }

  show(lines, x, y) {
    if (!lines?.length) return this.hide();
    this.node.replaceChildren(...lines.map((line) => make("div", { text: line })));
    this.node.hidden = false;
    const { offsetWidth: w, offsetHeight: h } = this.node;
    const left = x + 14 + w > window.innerWidth - 8 ? x - w - 10 : x + 14;
    this.node.style.left = `${Math.max(8, left)}px`;
    this.node.style.top = `${y + 18 + h > window.innerHeight - 8 ? y - h - 10 : y + 18}px`;
  }

  hide() { this.node.hidden = true; }
}
