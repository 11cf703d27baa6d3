// Messages that arrive through other components of the page meet here; the last of each kind is kept.
const bus = (globalThis.samvizBus ??= { last: new Map(), listeners: new Set() });

function publish(kind, message) {
  bus.last.set(kind, message);
  for (const listener of bus.listeners) listener(kind, message);
}
