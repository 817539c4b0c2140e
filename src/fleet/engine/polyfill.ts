interface Resolvers<T> {
  promise: Promise<T>;
  resolve: (value: T | PromiseLike<T>) => void;
  reject: (reason?: unknown) => void;
}

/** Restate's SDK takes this from Node 22; without it each call on Node 20 fails, and its caller waits for ever. */
const promises = Promise as unknown as { withResolvers?: <T>() => Resolvers<T> };

promises.withResolvers ??= <T>() => {
  const made = {} as Resolvers<T>;
  made.promise = new Promise<T>((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};
