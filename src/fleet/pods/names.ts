/** The virtual object of the pod machine. */
export const POD_OBJECT = 'pod';
