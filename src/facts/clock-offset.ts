/**
 * How far a node's clock is from the operator's, whole seconds as text: 0 within two seconds and half of the round trip, which is
 * as good as one look can say; else one significant digit, so that the same clock gives the same text at every look. Undefined
 * when the node's time is no number. Times in milliseconds.
 */
export function clockOffset(nodeSeconds: string, sentAt: number, receivedAt: number): string | undefined {
  if (!/^\d{1,12}$/u.test(nodeSeconds)) return undefined;
  const offset = Number(nodeSeconds) - (sentAt + receivedAt) / 2000;
  const doubt = 2 + Math.abs(receivedAt - sentAt) / 2000;
  if (Math.abs(offset) <= doubt) return '0';
  return String(Number(offset.toPrecision(1)));
}
