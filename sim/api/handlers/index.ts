import type { Answer } from '../answer.ts';
import type { ApiRequest } from '../request.ts';
import * as account from './account.ts';
import * as billing from './billing.ts';
import * as dataCenters from './data-centers.ts';
import * as gpus from './gpus.ts';
import { getPodLogs } from './pod-logs.ts';
import * as pods from './pods.ts';

export type Handler = (request: ApiRequest) => Answer;

/** The operations that are simulated, by operationId. */
export const HANDLERS: Readonly<Record<string, Handler>> = {
  ...pods,
  ...account,
  ...billing,
  ...gpus,
  ...dataCenters,
  getPodLogs,
};
