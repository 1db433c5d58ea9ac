/** Asks again and again, every 50 ms, until the answer is yes; rejects after a while with what was waited for. */
export async function until(what: string, ask: () => Promise<boolean> | boolean, timeoutMs = 60_000): Promise<void> {
  for (const deadline = performance.now() + timeoutMs; performance.now() < deadline;) {
    if (await ask()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain: ${what}`);
}
