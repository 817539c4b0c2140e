export interface Deferred<T> {
  promise: Promise<T>;
  resolve: (value: T) => void;
  readonly isSettled: boolean;
}

/** A promise that is kept from outside. */
export function deferred<T = void>(): Deferred<T> {
  let settle: (value: T) => void = () => undefined;
  let isSettled = false;
  const promise = new Promise<T>((resolve) => {
    settle = resolve;
  });
  return {
    promise,
    resolve: (value) => {
      isSettled = true;
      settle(value);
    },
    get isSettled() {
      return isSettled;
    },
  };
}
