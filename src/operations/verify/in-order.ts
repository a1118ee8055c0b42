/**
 * Works on items a few at a time, and gives the results in the items' order. Memory holds what is being worked on
 * and no more. Work on an item begins after work on those before it has begun.
 */
export async function* mapInOrder<Item, Result>(
  items: Iterable<Item>,
  width: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const running: Promise<Result>[] = [];
  for (const item of items) {
    const result = work(item);
    result.catch(() => undefined); // thrown below, when its turn comes
    running.push(result);
    const [first] = running;
    if (running.length < width || first === undefined) continue;
    yield await first;
    void running.shift();
  }
  for (const result of running) yield await result;
}
