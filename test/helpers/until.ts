/** Asks again and again, every 50 ms, until the answer is yes; rejects after a while with what was waited for. */
export async function until(what: string, ask: () => Promise<boolean> | boolean, timeoutMs = 30_000): Promise<void> {
  const tries = Math.ceil(timeoutMs / 50);
  for (let i = 0; i < tries; i++) {
    if (await ask()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain: ${what}`);
}
