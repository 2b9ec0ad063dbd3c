/** Runs work one after the other, in the order of the calls; a failure is its caller's, and holds up nobody behind it. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

/** A line of its own. */
export const createTurns = (): InTurn => {
  let turn: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = turn.then(work);
    turn = done.catch(() => undefined);
    return done;
  };
};
