/** A few values that were used lately; the one that was longest not used makes room. */
export interface Recent<V> {
  get(name: string): V | undefined;
  set(name: string, value: V): void;
}

export const createRecent = <V>(limit: number): Recent<V> => {
  const values = new Map<string, V>();
  return {
    get(name) {
      const value = values.get(name);
      if (value === undefined) return undefined;
      values.delete(name);
      values.set(name, value);
      return value;
    },
    set(name, value) {
      values.set(name, value);
      const oldest = values.keys().next();
      if (values.size > limit && oldest.done !== true) values.delete(oldest.value);
    },
  };
};
