/** The virtual object of the pod machine. */
export const POD_OBJECT = 'pod';

/** The virtual object that keeps a pod to the policy. */
export const POLICY_OBJECT = 'policy';
