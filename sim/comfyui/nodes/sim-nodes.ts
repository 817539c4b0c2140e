import type { NodeDefinition } from './definition.ts';

const SEED = ['INT', { default: 0, min: 0, max: Number.MAX_SAFE_INTEGER }] as const;
const IMAGE = ['IMAGE', { tooltip: 'Passed on as it is; a black one of 64 × 64 without it.' }] as const;

/** Node classes that only the simulator has, to script a job from its workflow. */
export const SIM_NODES: Record<string, NodeDefinition> = {
  SimOutput: simNode('SimOutput', 'Files of exactly so many bytes', [], {
    required: {
      bytes: ['INT', { default: 1_000_000, min: 1, max: 4_294_967_295 }],
      count: ['INT', { default: 1, min: 1, max: 10_000 }],
      seconds: ['FLOAT', { default: 0, min: 0, max: 86_400 }],
      ext: ['STRING', { default: 'png' }],
    },
    optional: {
      filename_prefix: ['STRING', { default: 'sim' }],
      seed: [...SEED],
      invalid: ['BOOLEAN', { default: false, tooltip: "The node's own validation refuses it." }],
    },
  }),
  SimSleep: simNode('SimSleep', 'Takes its time, in steps', ['IMAGE'], {
    required: {
      seconds: ['FLOAT', { default: 1, min: 0, max: 86_400 }],
      steps: ['INT', { default: 10, min: 1, max: 10_000 }],
    },
    optional: { image: [...IMAGE], seed: [...SEED] },
  }),
  SimFail: simNode('SimFail', 'Fails', ['IMAGE'], {
    required: { message: ['STRING', { default: 'it failed', multiline: true }] },
    optional: {
      oom: ['BOOLEAN', { default: false }],
      seconds: ['FLOAT', { default: 0, min: 0, max: 86_400 }],
      image: [...IMAGE],
    },
  }),
};

function simNode(
  name: string,
  description: string,
  output: string[],
  input: NodeDefinition['input'],
): NodeDefinition {
  const { required = {}, optional = {} } = input;
  const definition = {
    input,
    input_order: { required: Object.keys(required), optional: Object.keys(optional) },
    output,
    output_is_list: output.map(() => false),
    output_name: output,
    name,
    display_name: name,
    description,
    python_module: 'custom_nodes.sim',
    category: 'sim',
    output_node: true,
  };
  return definition;
}
