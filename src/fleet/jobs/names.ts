/** The virtual object of the job machine. */
export const JOB_OBJECT = 'job';
