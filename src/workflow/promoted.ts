import type { Blueprint } from './blueprint.ts';
import type { EditorNode } from './editor.ts';
import { asArray, asId, asText, isObject, type JsonValue } from './json.ts';

/** Where a holding node's value goes: an inner node's widget, or (without a node) the holder's own input. */
export interface PromotedValue {
  promotion: { node: string | undefined; widget: string };
  value: JsonValue;
}

interface SlotPromotion {
  input: string;
  node: string;
  widget: string;
  hasControl: boolean;
}

/**
 * The values a holding node has for what is inside. Three ways of saving them exist: in the order of the
 * widgets (group nodes), in the order of `properties.proxyWidgets` ([inner node or "-1", widget]; null where
 * the inner value stands), and in the order of the inputs that stand for widgets.
 */
export function promotedValues(
  node: EditorNode,
  blueprint: Blueprint,
  slots: readonly SlotPromotion[],
): PromotedValue[] {
  const saved = node.widgetsValues;
  if (isObject(saved)) {
    return slots.flatMap((slot) => valueAt(undefined, slot.input, saved[slot.input]));
  }
  const values = asArray(saved);
  if (blueprint.widgets !== undefined) {
    return blueprint.widgets.flatMap((promotion, at) =>
      promotion === undefined ? [] : valueAt(promotion.node, promotion.widget, values[at]),
    );
  }
  const proxies = asArray(node.properties.proxyWidgets);
  if (proxies.length > 0) {
    return proxies.flatMap((proxy, at) => {
      const [inner, widget] = asArray(proxy);
      const [id, name] = [asId(inner), asText(widget)];
      if (id === undefined || name === undefined) return [];
      return proxied(id, name, values[at], slots);
    });
  }
  let at = 0;
  const hasControlPlaces = values.length > slots.length;
  return slots.flatMap((slot) => {
    const value = values[at];
    at += hasControlPlaces && slot.hasControl ? 2 : 1;
    return valueAt(undefined, slot.input, value);
  });
}

/** Older entries name a widget deeper down as `inner: widget`. */
function proxied(
  id: string,
  widget: string,
  value: JsonValue | undefined,
  slots: readonly SlotPromotion[],
): PromotedValue[] {
  if (id === '-1') return valueAt(undefined, widget, value);
  const slot = slots.find((each) => each.node === id && each.widget === widget);
  if (slot !== undefined) return valueAt(undefined, slot.input, value);
  const nested = /^\s*(\d+)\s*:\s*(.+)$/s.exec(widget);
  if (nested?.[1] !== undefined && nested[2] !== undefined) {
    return proxied(`${id}:${nested[1]}`, nested[2], value, slots);
  }
  return valueAt(id, widget, value);
}

function valueAt(node: string | undefined, widget: string, value: JsonValue | undefined): PromotedValue[] {
  return value === undefined || value === null ? [] : [{ promotion: { node, widget }, value }];
}
