// Colours: neutrals from the theme of the page, meanings from Okabe-Ito (lifted for dark ground), content purple-green.
const MEANINGS = {
  light: { read: "#0072B2", write: "#D55E00", erase: "#CC79A7", source: "#9A6B00" },
  dark: { read: "#56B4E9", write: "#F0803C", erase: "#DE9CC2", source: "#E6B84A" },
};
const DIVERGING = {
  light: { negative: [118, 42, 131], zero: [247, 247, 244], positive: [27, 120, 55] },
  dark: { negative: [200, 140, 222], zero: [32, 36, 42], positive: [110, 205, 140] },
};

function parseColor(text) {
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  probe.fillStyle = "#fff";
  probe.fillStyle = text;
  probe.fillRect(0, 0, 1, 1);
  return [...probe.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

const rgb = (c) => `rgb(${c[0]} ${c[1]} ${c[2]})`;
const mix = (a, b, share) => a.map((v, i) => Math.round(v + (b[i] - v) * share));

function readTheme(root) {
  const style = getComputedStyle(root);
  const value = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  const ground = parseColor(value("--st-background-color", "#ffffff"));
  const ink = parseColor(value("--st-text-color", "#1f2328"));
  const dark = 0.299 * ground[0] + 0.587 * ground[1] + 0.114 * ground[2] < 128;
  const mode = dark ? "dark" : "light";
  return {
    mode,
    ground: rgb(ground),
    ink: rgb(ink),
    muted: rgb(mix(ground, ink, dark ? 0.64 : 0.62)),
    faint: rgb(mix(ground, ink, dark ? 0.42 : 0.38)),
    line: rgb(mix(ground, ink, 0.14)),
    wash: rgb(mix(ground, ink, 0.055)),
    bit: rgb(mix(ground, ink, 0.78)),
    parts: { ground, ink },
    font: value("--st-font", "system-ui, sans-serif"),
    ...MEANINGS[mode],
    content: contentPalette(DIVERGING[mode]),
  };
}

// 255 colours from -1 to +1, small values lifted; the same for every frame of a trace, and in the legend.
function contentPalette({ negative, zero, positive }) {
  return Array.from({ length: 255 }, (_, i) => {
    const value = (i - 127) / 127;
    return mix(zero, value < 0 ? negative : positive, Math.abs(value) ** 0.55);
  });
}
