export default function ({ data }) {
  const message = decode(data);
  publish(message.header.kind, message);
}
