/** A data center as the catalogue lists it, and the country its id stands for. */
interface DataCenterEntry {
  id: string;
  name: string;
  country: string;
  region: 'NORTH_AMERICA' | 'EUROPE' | 'ASIA' | 'OCEANIA';
  networkVolumeTypes: ('STANDARD' | 'HIGH_PERFORMANCE')[];
  compliance: string[];
  globalNetwork: boolean;
}

/** The data centers of the simulated account, unless a scenario brings its own. */
export const DEFAULT_DATA_CENTERS: readonly DataCenterEntry[] = [
  place('US-CA-2', 'US California 2', 'US', 'NORTH_AMERICA'),
  place('US-GA-1', 'US Georgia 1', 'US', 'NORTH_AMERICA'),
  place('US-GA-2', 'US Georgia 2', 'US', 'NORTH_AMERICA'),
  place('US-IL-1', 'US Illinois 1', 'US', 'NORTH_AMERICA'),
  place('US-KS-2', 'US Kansas 2', 'US', 'NORTH_AMERICA'),
  place('US-NC-1', 'US North Carolina 1', 'US', 'NORTH_AMERICA'),
  place('US-TX-3', 'US Texas 3', 'US', 'NORTH_AMERICA'),
  place('US-WA-1', 'US Washington 1', 'US', 'NORTH_AMERICA'),
  place('CA-MTL-1', 'Canada Montreal 1', 'CA', 'NORTH_AMERICA'),
  place('CA-MTL-3', 'Canada Montreal 3', 'CA', 'NORTH_AMERICA'),
  place('EU-CZ-1', 'Czechia 1', 'CZ', 'EUROPE'),
  place('EU-NL-1', 'Netherlands 1', 'NL', 'EUROPE'),
  place('EU-RO-1', 'Romania 1', 'RO', 'EUROPE'),
  place('EU-SE-1', 'Sweden 1', 'SE', 'EUROPE'),
  place('EUR-IS-1', 'Iceland 1', 'IS', 'EUROPE'),
  place('EUR-NO-1', 'Norway 1', 'NO', 'EUROPE'),
  place('AP-JP-1', 'Japan 1', 'JP', 'ASIA'),
  place('OC-AU-1', 'Australia 1', 'AU', 'OCEANIA'),
];

function place(
  id: string,
  name: string,
  country: string,
  region: DataCenterEntry['region'],
): DataCenterEntry {
  const compliance = region === 'EUROPE' ? ['GDPR', 'ISO_IEC_27001'] : ['SOC_2_TYPE_2'];
  return { id, name, country, region, networkVolumeTypes: ['STANDARD'], compliance, globalNetwork: true };
}
