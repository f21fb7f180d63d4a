// Cuts a stream of bytes into lines, as a watch sends its events.

/** The lines of `chunks` without their ends; throws where one is longer than `limitBytes`. An unfinished last line is dropped: the connection was cut in it. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>, limitBytes: number): AsyncGenerator<string, void, undefined> {
  let parts: Uint8Array[] = [];
  let held = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      const line = Buffer.concat([...parts, chunk.subarray(start, end)]).toString('utf8');
      parts = [];
      held = 0;
      start = end + 1;
      if (line.length > 0) yield line;
    }
    if (start === chunk.length) continue;
    const rest = Uint8Array.from(chunk.subarray(start)); // a copy: the chunk's memory is the connection's
    held += rest.length;
    if (held > limitBytes) throw new Error(`a line of a watch is longer than ${String(limitBytes)} bytes`);
    parts.push(rest);
  }
}
