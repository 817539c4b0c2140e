/** Type, or the choices there are, and what else is said of an input. */
export type InputSpec = [
  type: string | readonly unknown[],
  config?: Readonly<Record<string, unknown>> | undefined,
];

/** A node class as `/object_info` has it. */
export interface NodeDefinition {
  input: {
    required?: Record<string, InputSpec>;
    optional?: Record<string, InputSpec>;
    hidden?: Record<string, unknown>;
  };
  output: readonly string[];
  output_node: boolean;
  name: string;
}
