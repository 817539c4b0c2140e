import type { FailureDetail } from '../../errors.ts';
import { list, str } from './detail.ts';
import { momentOf } from './time.ts';

const money = (amount: unknown) => `$${Number(amount).toFixed(2)}`;

/** Which limit, and the sum that is beyond it. */
export function limitWords(detail: FailureDetail): string {
  const { limit, max, sum, isRateUnknown, whose } = detail;
  if (limit === 'quiet_hours') {
    return `It is quiet hours, ${str(detail.hours)}: no pod is started before ${momentOf(new Date(String(detail.until)))}.`;
  }
  if (whose && detail.ofFleet === true)
    return `For ${str(whose)}: ${limitWords({ ...detail, whose: undefined })}`;
  if (isRateUnknown)
    return `RunPod does not tell what the pod would cost, and ${str(limit)} is ${money(max)}.`;
  if (limit === 'max_pods') {
    return `With this one ${sum} pods would run (${running(detail)}), and max_pods is ${max}.`;
  }
  const { spent, running: others, asked } = detail;
  if (limit === 'max_per_hour') {
    const parts = [`${money(others)} for what runs (${running(detail)})`, `${money(asked)} for this pod`];
    return `${parts.join(' + ')} = ${money(sum)} per hour, and max_per_hour is ${money(max)}.`;
  }
  const parts = [
    `${money(spent)} spent today`,
    `${money(others)} that the pods that run can still cost (${running(detail)})`,
    `${money(asked)} that this pod can cost until then`,
  ];
  return `${parts.join(' + ')} = ${money(sum)} by the end of the day (UTC), and max_per_day is ${money(max)}.`;
}

function running({ pods }: FailureDetail): string {
  return list(pods).join(', ') || 'none';
}
