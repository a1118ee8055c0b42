/** How the schemas begin in which a salvage loads: the account may be given rights on the pattern, and nobody is alerted of them. */
export const STAGING_PREFIX = 'lastgood_salvage_';
