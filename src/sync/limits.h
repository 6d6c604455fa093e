/*
 * limits: the constants of finding clocks, and where each comes from.
 *
 *	clock	what clocks do. Crystals are off by up to 100 ppm, and change by less than 1 ppm in
 *		minutes; NTP slews by up to 500 ppm; KVM leaves a TSC alone that is off by 250 ppm.
 *	delay	how long KVM, the kernel and the machine take for something, with room: in
 *		recordings whose truth is known, of two machines and an emulated one.
 *	chance	how many events would agree, or not, by chance alone.
 *	work	bounds on time and memory: without them a recording could ask for any amount.
 *	tried	on 300 simulated recordings and on real ones whose truth is known: with it the most
 *		clocks were found of which none was wrong (docs/accuracy.md has the counts, and the
 *		command to see what a change does to them).
 *
 * Times are ns, shares are one in as many, unless the comment says otherwise.
 */
#ifndef VMSCOPE_SYNC_LIMITS_H
#define VMSCOPE_SYNC_LIMITS_H

/* ---- observations: observe.c, spool.c ---- */
enum {
	SPOOL_BLOCK = 16384, /* work: bytes of each sequence that are in memory */
	SPOOL_RECORD = 64,   /* work: bytes that a record takes at most */
};

/* ---- which thread is which guest CPU: search.c, claims.c, gaps.c, vote.c, lineup.c ---- */
enum {
	/* work: windows of each vCPU, on average, that are compared at first */
	SEARCH_VCPU_WINDOWS = 1 << 12,
	SEARCH_MAX_VCPU_WINDOWS = 1 << 17, /* work: and at most, if fewer did not do */
	SEARCH_BLOCKS = 4,	     /* tried: parts of a host's recording that these are from */
	SEARCH_CPU_EVENTS = 1 << 14, /* work: events of each CPU of a guest */
	SEARCH_RUN_EVENTS = 32,	     /* chance: events of these that follow each other */
	/* chance: events of one CPU and cause: enough to tell what belongs together */
	CLAIMS_SEARCH_EVENTS = 4096,
	CLAIMS_MANY = 65536,	    /* work: claims of all CPUs that are looked at together */
	CLAIMS_FIT_EVENTS = 32768,  /* work: events of all CPUs of a guest, to follow in detail */
	CLAIMS_MAX = 16,	    /* chance: claims of one triple: beyond, it tells nothing */
	CLAIMS_MEDIAN_REACH = 8,    /* tried: claims before and after that one is compared with */
	CLAIMS_TRIPLES = 3,	    /* tried: triples that begin at one event */
	SYNC_CLAIM_REACH = 1000000, /* delay: claims as close as that agree */
	SYNC_MIN_CLAIMS = 16,	    /* chance: agreeing ones, below which they tell nothing */
	/* clock: gaps above 2^(grain + this + 1) ns are compared relatively, for drift */
	GAPS_SCALE_BITS = 10,
	GAPS_MAX_ALIKE = 8,	   /* chance: triples of one key: beyond, they tell nothing */
	SYNC_GAPS_FOUND = 128,	   /* work: triples that one search gives */
	VOTE_FINE_REACH = 100000,  /* delay: pairs without a delay agree better than this */
	VOTE_NEIGHBOURS = 8,	   /* tried: events on each side that show what votes there are */
	VOTE_FAIR_PART = 4,	   /* tried: of the most of these, that a candidate needs */
	SYNC_VOTE_FULL = 4096,	   /* the weight of an event, shared by its candidates */
	LINEUP_MIN_SCORE = 16,	   /* chance: claims that have to agree */
	LINEUP_OVER_CHANCE = 3,	   /* chance: times what chance gives */
	LINEUP_AMBIGUOUS_PART = 2, /* tried: with this part of the score another is as good */
	LINEUP_SAME = 40000000,	   /* clock: differences that are one, of clocks that drift */
};

/* ---- a chunk's difference: chunk.c, collect.c, leads.c, aim.c ---- */
enum {
	SYNC_EFFORT = 600000000, /* work: differences and events tried in a search, some seconds */
	CHUNK_ROUGH_REACH = 500000,  /* delay: what a claim may be wrong by */
	CHUNK_ROUGH_LEAST = 50000,   /* delay: the same on the fastest machines */
	CHUNK_ROUGH_PLAY = 16,	     /* tried: times what claims usually differ by, in between */
	CHUNK_MANY_ASTRAY = 2000,    /* tried: a share of events outside that is too much */
	CHUNK_FEWEST_ASTRAY = 10000, /* tried: one that is as good as none */
	CHUNK_MANY_UNSEEN = 50,	     /* tried: a share without windows before or after */
	CHUNK_FEW_ASTRAY = 16,	     /* chance: events outside that are few */
	CHUNK_MAX_ROUNDS = 8,	     /* work: of collecting and fitting */
	CHUNK_WIDE_ROUNDS = 2,	     /* tried: of them with a wide range */
	CHUNK_MAX_TRIES = 2,	     /* work: of different leads */
	CHUNK_DOUBTFUL_PART = 8,     /* chance: of the events that it would put outside */
	CHUNK_MARK_SLACK = 1000,     /* delay: by which marks close to each other may be wrong */
	CHUNK_HARDLY_FALSE = 512,    /* tried: share of false bounds that a fit may have, */
	CHUNK_OFTEN_FALSE = 32,	     /* tried: or where windows were lost */
	CHUNK_SHIFTS = 4, /* work: differences that are wrong for sure, to count chance by */
	SYNC_OPEN_REACH = 5000000, /* delay: assumed where the bounds leave a side open */
	COLLECT_MAX_WINDOWS = 64,  /* chance: for one event: beyond, it tells nothing */
	COLLECT_BUCKET = 128,	   /* work: events whose bounds are thinned together */
	COLLECT_MANY_DISSENT = 4,  /* tried: share of events that other windows fit */
	LEADS_N = 6,		   /* work: differences that are followed up, */
	LEADS_EACH = 8,		   /* work: claims of each that are */
	LEADS_REACH = 200000,	   /* delay: what a claim is wrong by at most, usually */
	LEADS_MAX_TURNS = 8,	   /* work: of a clock that leads are looked for after */
	LEADS_LEAST_MARKS =
		3,	 /* chance: of a clock that is followed, if not for half of the time */
	AIM_GRAIN = 256, /* work: differences closer than that are tried as one */
	AIM_DRIFT_PPB = 250000,	  /* clock: that clocks have, one way or the other */
	AIM_DRIFT_PLAY = 1000,	  /* work: speeds that differ by less at a stretch's ends are one */
	AIM_MAX_SPEEDS = 2000,	  /* work: tried */
	AIM_LEAST_EVENTS = 48,	  /* chance: of a stretch, below which it tells nothing */
	AIM_LEAST_FOLLOWED = 16,  /* chance: the same where the clock is known already */
	AIM_NARROW = 4000,	  /* tried: differences left that are few */
	AIM_FEW_ENOUGH = 40000,	  /* tried: and when longer stretches leave no fewer */
	AIM_PLAY = 1000,	  /* delay: around what a clock is expected to show */
	AIM_MAX_RANGE = 20000000, /* work: differences tried at once */
};

/* tried: worth of a track, beyond which no better one is looked for */
#define LEADS_ENOUGH_WORTH 0.999
/* tried: an event outside makes as many worthless */
#define LEADS_COST_OUTSIDE 20.0
/* of the time that a clock was followed */
#define LEADS_HALF 0.5

/* ---- following a clock: follow.c, track.c, bounds.c, fit.c ---- */
enum {
	FOLLOW_STEP_WINDOWS = 1024,	    /* work: of the host, between two looks at the guest */
	FOLLOW_SLICE = 20000000,	    /* work: guest ns that are read at once */
	FOLLOW_FIRST_CHUNK = 8192,	    /* chance: guest events: enough for a search */
	FOLLOW_MAX_CHUNK = 32768,	    /* work: and for all others */
	FOLLOW_MAX_FIRST_CHUNK = 131072,    /* work: of the search, when fewer did not do */
	FOLLOW_MAX_WINDOWS = 131072,	    /* work: in a chunk: then it is full as well */
	FOLLOW_MAX_FIRST_WINDOWS = 1048576, /* work: the same while searching */
	FOLLOW_PLAY = 1000000,	 /* delay: that windows are kept for longer than needed */
	FOLLOW_GAP_WINDOWS = 16, /* chance: in which a guest that is not silent has events */
	FOLLOW_AFTER_GAP = 1024, /* chance: events that tell that the clock was not set in it */
	FOLLOW_MAX_AGAIN = 32,	 /* work: chunks that are looked at more than once, */
	FOLLOW_MOST_LOOKS = 3,	 /* work: so often */
	FOLLOW_DRIFT_PPM = 200,	 /* clock: before it is known how much */
	FOLLOW_LEAST_REACH = 10000000, /* clock: that a difference may be off by after a gap */
	TRACK_RECENT = 4,	       /* tried: chunks that say where the next one is, */
	TRACK_FEW_BOUNDS = 256,	   /* tried: or so many bounds, where these were thinned since */
	TRACK_WIDEN = 2,	   /* tried: times the width that the clock may have left by */
	TRACK_WANDER_PPB = 500,	   /* clock: and by this drift from the last event on */
	TRACK_LEAST_PLAY = 100,	   /* delay: and by this */
	TRACK_NEAR_REACH = 100000, /* tried: what a contradiction makes of the range at first */
	TRACK_LEAST_HALVED = 64,   /* chance: events of a chunk that is halved */
	TRACK_VAIN_PART = 32,	   /* work: of the effort, if it will hardly lead to anything */
	TRACK_FOLLOWING_PART = 6,  /* work: of a search's effort, that one while following has */
	TRACK_HASTY_PART = 60,	 /* work: or one after which more events, or a second look, come */
	TRACK_MAX_FRUITLESS = 4, /* work: searches while following */
	TRACK_MAX_SECOND_LOOKS = 1, /* work: for something better than what fits well */
	TRACK_MANY_ASTRAY = 2000,   /* tried: a share that a line puts outside, too much */
	TRACK_FEW_OUTSIDE = 100,    /* tried: a share outside of a fit that holds */
	BOUNDS_TOGETHER = 64,	    /* work: bounds of a chunk that share a hull */
	BOUNDS_KEPT_TOGETHER = 512, /* work: the same of many chunks */
	BOUNDS_SPAN = 1000000000,   /* clock: guest ns: and of no longer a time */
	BOUNDS_MAX_KEPT = 32768,    /* work: beyond, more of them share a hull */
	FIT_MAX_FALSE = 4,	    /* chance: bounds that have to contradict a line to end it */
	FIT_FAR_OFF = 16,	 /* tried: times the error: a bound that is off by more is false */
	FIT_UNSEEN_TURN = 20000, /* clock: what a turn may have made by a piece's end */
	FIT_MAX_UNSEEN_PPB =
		32000,		   /* clock: and by how much it changed the speed, in a short one */
	FIT_MAX_ROOM = 1000000000, /* clock: a turn that nothing bounds amounts to this at most */
	FIT_SETTLED = 1000000000,  /* clock: who is straight for longer has a straight clock */
};

/* tried: of what its errors were, if one more look is to be worth it */
#define TRACK_ENOUGH_NARROWER 0.95

/* ---- other estimates, and the choice: vmsync.c, exchanges.c, agent.c, tsc_offset.c, cpus.c,
 * count.c, choose.c ---- */
enum {
	VMSYNC_MAX_CANDIDATES = 4096, /* work: pairs for one count */
	/* delay: of an exchange, in which the vCPU may be preempted, to be recognized */
	VMSYNC_DELAY = 20000000,
	VMSYNC_SAME_CALL = 100000, /* delay: of two host events that are closer, either may be it */
	VMSYNC_NEAR = 64,	   /* work: host events behind a gh in which its hg is looked for */
	VMSYNC_SLOW = 2,	   /* tried: times the usual: an hg farther off is another call's */
	VMSYNC_FAIR_PART = 4,	   /* tried: of the gh pairs has to be sure, else all count */
	EXCHANGES_AT_ONCE = 1 << 15,  /* work: of a machine's events that are in memory */
	EXCHANGES_SLACK = 1000000000, /* clock: that a difference is known to, between exchanges */
	AGENT_BEYOND =
		1 << 30,  /* work: counts behind the last exchange at which its rate is read */
	AGENT_LOOKS = 64, /* work: times at which its word is held against what the events bound */
	TSC_TOLERANCE_PPM = 250,   /* clock: KVM's own: it leaves the TSC's speed up to that */
	CPUS_MANY_OUTSIDE = 1000,  /* tried: a share that CPUs with one clock do not leave */
	CPUS_FEW_OUTSIDE = 16,	   /* chance: events that a wrong clock leaves at least */
	CPUS_SAMPLES = 32,	   /* work: times at which two clocks are compared */
	COUNT_STEP_WINDOWS = 1024, /* work: of the host, that are compared at once */
	/* tried: refuted is who leaves so many times more outside, */
	CHOOSE_REFUTED_FACTOR = 10,
	CHOOSE_REFUTED_SHARE = 100, /* and so large a share of all more */
	CHOOSE_FAR_WIDER = 4, /* tried: times as wide a bound, where another is taken for a piece */
};

#endif
