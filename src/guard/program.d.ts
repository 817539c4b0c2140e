/** A file of the shell's, as text. */
declare module '*.sh' {
  const text: string;
  export default text;
}
