/** DNS messages over TCP, each behind its length in two bytes (RFC 1035 §4.2.2), however the stream was cut. */
export async function* framesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let parts: Buffer[] = [];
  let have = 0;
  let need = 2;
  for await (const chunk of stream) {
    parts.push(chunk);
    have += chunk.length;
    // Joined only once a whole message is there: a sender of single bytes costs no more than its bytes.
    if (have < need) continue;
    let rest: Buffer = Buffer.concat(parts);
    for (need = needed(rest); rest.length >= need; need = needed(rest)) {
      if (need > 2) yield rest.subarray(2, need);
      else if (rest.length >= 2) return; // a message without a byte is not DNS
      rest = rest.subarray(need);
    }
    parts = [rest];
    have = rest.length;
  }
}

/** How many bytes the message at the start takes, its length included; 2 while that isn't known. */
function needed(bytes: Buffer): number {
  return bytes.length < 2 ? 2 : 2 + bytes.readUInt16BE(0);
}
