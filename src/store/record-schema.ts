/** Version of a record's layout. */
export const RECORD_SCHEMA = 1;
