import type { Definitions, InputDefinition, NodeDefinition } from './definitions.ts';
import { type DrawnValues, pickDynamic } from './dynamic-prompts.ts';
import type { ConversionFinding, NodeName } from './findings.ts';
import { type Graph, givenKey, isHolderType, openWorkflow, type Place } from './graph.ts';
import { asArray, isObject, type JsonObject, type JsonValue } from './json.ts';
import { titleOf } from './node-title.ts';
import { asInputValue, linkOf, type Prompt } from './prompt.ts';
import { Resolver, type Source } from './resolve.ts';
import { replaceInText, savesFiles } from './text-replacements.ts';
import { inputsGiven, type OwnValues, ownValues } from './values.ts';
import { virtualKind } from './virtual-nodes.ts';
import { AUTOGROW, isLive, isWidget, widgetType } from './widgets.ts';

export interface Conversion {
  /** Complete when nothing was found; otherwise without what the findings name. */
  prompt: Prompt;
  findings: ConversionFinding[];
  /** How the editor would change a value after each run (fixed, increment, decrement, randomize). */
  controls: { node: string; input: string; control: string }[];
}

/**
 * Turns what the editor saves into the API format, as the editor does when a prompt is queued.
 * `drawn` gives what the editor takes from its surroundings: the time for `%date:…%`, and chance for `{a|b}`.
 */
export function convertWorkflow(
  workflow: JsonObject,
  definitions: Definitions,
  drawn: DrawnValues,
): Conversion {
  return new Converter(workflow, definitions, drawn).convert();
}

class Converter {
  private readonly findings: ConversionFinding[] = [];
  private readonly controls: Conversion['controls'] = [];
  private readonly graph: Graph;
  private readonly resolver: Resolver;
  private readonly values = new Map<string, OwnValues>();

  constructor(
    workflow: JsonObject,
    private readonly definitions: Definitions,
    private readonly drawn: DrawnValues,
  ) {
    this.graph = openWorkflow(workflow, definitions, (finding) => this.findings.push(finding));
    this.resolver = new Resolver(this.graph, definitions, (place, widget) => this.widgetValue(place, widget));
  }

  convert(): Conversion {
    const prompt: Prompt = {};
    for (const place of this.graph.places.values()) {
      if (!this.reachesServer(place)) continue;
      const { id, node } = place;
      const inputs = this.inputsOf(place);
      prompt[id] = { class_type: node.type, inputs, _meta: { title: titleOf(node, this.definitions) } };
    }
    for (const { inputs } of Object.values(prompt)) dropLinksToAbsent(inputs, prompt);
    return { prompt, findings: this.findings, controls: this.controls };
  }

  private reachesServer({ node, inside }: Place): boolean {
    if (node.mode !== 'runs' || inside !== undefined) return false;
    if (virtualKind(node, this.definitions) !== undefined) return false;
    return this.definitions.has(node.type) || !isHolderType(node.type);
  }

  private inputsOf(place: Place): JsonObject {
    const definition = this.definitions.get(place.node.type);
    const inputs = definition === undefined ? this.unknownValues(place) : this.knownValues(place, definition);
    for (const [at, input] of place.node.inputs.entries()) {
      if (input.name === '') continue;
      const name = definition === undefined ? (input.widget ?? input.name) : input.name;
      this.take(place, name, this.resolver.input(place, at), inputs);
    }
    return inputs;
  }

  private take(place: Place, name: string, source: Source, inputs: JsonObject): void {
    switch (source.kind) {
      case 'link':
        inputs[name] = [source.place.id, source.slot];
        return;
      case 'value':
        inputs[name] = asInputValue(source.value);
        return;
      case 'broken':
        this.findings.push({ kind: 'linkBroken', ...this.nameOf(place), input: name });
        return;
      case 'circular':
        this.findings.push({ kind: 'linkCircular', ...this.nameOf(place), input: name });
        return;
      case 'none':
    }
  }

  private knownValues(place: Place, definition: NodeDefinition): JsonObject {
    const inputs: JsonObject = {};
    const own = this.ownOf(place, definition);
    for (const [input, control] of own.controls) {
      this.controls.push({ node: place.id, input, control });
    }
    for (const input of inputsGiven(definition, (name) => this.widgetValue(place, name))) {
      if (isLive(input) && !this.isLinked(place, input.name)) {
        const finding = { ...this.nameOf(place), input: input.name, type: widgetType(input) };
        this.findings.push({ kind: 'madeInTheEditor', ...finding });
      } else if (isWidget(input)) {
        const value = this.widgetValue(place, input.name);
        if (value !== undefined) inputs[input.name] = asInputValue(this.written(place, input, value));
      } else if (input.type === AUTOGROW && growsValues(input)) {
        const finding = { ...this.nameOf(place), input: input.name, type: input.type };
        this.findings.push({ kind: 'inputsUnnamed', ...finding });
      }
    }
    return inputs;
  }

  /** Without a definition only what the file itself names can be kept: values saved by name, and links. */
  private unknownValues(place: Place): JsonObject {
    const saved = place.node.widgetsValues;
    const inputs: JsonObject = {};
    if (isObject(saved)) {
      for (const [name, value] of Object.entries(saved)) inputs[name] = asInputValue(value);
    }
    const unnamed = isObject(saved) ? [] : asArray(saved);
    this.findings.push({ kind: 'classUnknown', ...this.nameOf(place), unnamed });
    return inputs;
  }

  private written(place: Place, input: InputDefinition, value: JsonValue): JsonValue {
    if (typeof value !== 'string') return value;
    if (input.options.dynamicPrompts === true) return pickDynamic(value, this.drawn.random);
    if (input.name === 'filename_prefix' && savesFiles(place.node.type)) {
      const shown = (at: Place, widget: string): JsonValue | undefined => this.widgetValue(at, widget);
      return replaceInText(value, [...this.graph.places.values()], shown, this.drawn.now);
    }
    return value;
  }

  private widgetValue(place: Place, widget: string): JsonValue | undefined {
    const given = this.graph.given.get(givenKey(place.id, widget));
    if (given !== undefined) return given;
    const definition = this.definitions.get(place.node.type);
    if (definition !== undefined) return this.ownOf(place, definition).values.get(widget);
    const saved = place.node.widgetsValues;
    return isObject(saved) ? saved[widget] : undefined;
  }

  private ownOf(place: Place, definition: NodeDefinition): OwnValues {
    const known = this.values.get(place.id);
    if (known !== undefined) return known;
    const own = ownValues(place.node, definition);
    this.values.set(place.id, own);
    return own;
  }

  private isLinked(place: Place, input: string): boolean {
    return place.node.inputs.some((each) => each.name === input && each.link !== undefined);
  }

  private nameOf({ id, node }: Place): NodeName {
    return { node: id, title: titleOf(node, this.definitions), class: node.type };
  }
}

/** Links to nodes that do not run go, as the editor takes them out: nothing takes their place. */
function dropLinksToAbsent(inputs: JsonObject, prompt: Prompt): void {
  for (const [name, value] of Object.entries(inputs)) {
    const link = linkOf(value);
    if (link !== undefined && !Object.hasOwn(prompt, link.node)) delete inputs[name];
  }
}

function growsValues(input: InputDefinition): boolean {
  const template = input.options.template;
  const each = isObject(template) && isObject(template.input) ? template.input : {};
  return ['required', 'optional'].some((which) => {
    const inputs = each[which];
    if (!isObject(inputs)) return false;
    return Object.values(inputs).some((specification) => {
      const type = asArray(specification)[0];
      return Array.isArray(type) || isWidget({ name: '', type: String(type), isRequired: true, options: {} });
    });
  });
}
