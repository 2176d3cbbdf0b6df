/** Sample calls of people who want something. */
import { DAYS, GOODBYE, NAMES, THANKS, type Story } from './sampleStory.ts';

export const ERRANDS: readonly Story[] = [
  {
    topic: 'restaurant',
    values: {
      name: NAMES,
      day: DAYS,
      count: ['two', 'three', 'four', 'five', 'six'],
      time: ['half past six', 'seven', 'a quarter past seven', 'eight'],
      later: ['half past eight', 'nine'],
    },
    greeting: [
      'Good evening, Casa Verdal, how can I help you?',
      'Casa Verdal, good afternoon. What can I do for you?',
    ],
    exchanges: [
      {
        caller: [
          'Hi, I would like to book a table for {count} on {day}.',
          'Hello, do you still have a table for {count} people this {day}?',
        ],
        agent: [
          'With pleasure. What time would you like to come on {day}?',
          'On {day} we still have room for {count}. At what time, please?',
        ],
      },
      {
        caller: ['Around {time} in the evening would be great.', 'Could we come at {time}, please?'],
        agent: [
          'I can offer you {time} by the window. May I have your name?',
          'At {time} we are full, but {later} is free. Under which name may I book it?',
        ],
      },
      {
        caller: ['My name is {name}.', 'Please put it under {name}.'],
        agent: [
          'Thank you. I have noted a table for {count} on {day} under {name}.',
          'Wonderful, {name}, your table for {count} is reserved.',
        ],
      },
      {
        chance: 0.6,
        caller: [
          'One of us eats no gluten. Is that a problem?',
          'Do you have anything without meat on the menu?',
        ],
        agent: [
          'Not at all, half of our dishes can be made without gluten.',
          'Yes, we have five vegetarian dishes, and the kitchen can adapt others.',
        ],
      },
      {
        chance: 0.4,
        caller: ['Is there somewhere to park near the restaurant?', 'And where do we leave the car?'],
        agent: [
          'There is a car park behind the house, free after six in the evening.',
          'The garage in Miller Lane is two minutes away, and we stamp your ticket.',
        ],
      },
    ],
    thanks: THANKS,
    goodbye: ['We look forward to seeing you. Goodbye!', ...GOODBYE],
  },
  {
    topic: 'appointment',
    values: {
      name: NAMES,
      day: DAYS,
      time: ['nine thirty', 'ten o’clock', 'a quarter to twelve', 'half past two', 'four o’clock'],
      doctor: ['Dr. Amari', 'Dr. Holst', 'Dr. Quist'],
    },
    greeting: ['Riverside Dental, good morning.', 'Riverside Dental Practice, how can I help you?'],
    exchanges: [
      {
        caller: [
          'Hello, I need an appointment with {doctor}, please.',
          'Good morning, I have had a toothache since yesterday and need an appointment.',
        ],
        agent: [
          'Have you been to our practice before?',
          'I am happy to find you one. Are you a patient of {doctor}?',
        ],
      },
      {
        caller: ['Yes, my name is {name}.', 'No, it is my first time. I am {name}.'],
        agent: [
          'Thank you, {name}. Would {day} at {time} suit you?',
          'I can offer you {day} at {time}. Does that work for you?',
        ],
      },
      {
        chance: 0.5,
        caller: [
          'I have to work then. Do you have something earlier?',
          'That is difficult. Is there anything on another day?',
        ],
        agent: [
          'A patient has just cancelled: tomorrow at eight is free.',
          'We have a slot for urgent cases every day at noon. Shall I put you down?',
        ],
      },
      {
        chance: 0.8,
        caller: ['Yes, that works. I will take it.', 'That fits well, please book it for me.'],
        agent: [
          'Good, it is booked. Please bring your insurance card.',
          'You are down with {doctor}. Please come ten minutes early.',
        ],
      },
      {
        chance: 0.4,
        caller: ['May I take a painkiller until then?', 'Should I eat nothing before the treatment?'],
        agent: [
          'I may not advise you on medicine, but your pharmacy can tell you at once.',
          'You may eat as usual; just do not forget to brush your teeth.',
        ],
      },
    ],
    thanks: THANKS,
    goodbye: ['Get well soon, and goodbye!', ...GOODBYE],
  },
  {
    topic: 'hotel',
    values: {
      name: NAMES,
      nights: ['two nights', 'three nights', 'a week'],
      day: DAYS,
      room: ['double room', 'single room', 'family room'],
      price: ['94', '118', '140'],
    },
    greeting: [
      'Hotel Lindenhof, reception, good afternoon.',
      'Good evening, this is Hotel Lindenhof. How may I help you?',
    ],
    exchanges: [
      {
        caller: [
          'Do you have a {room} for {nights}, from {day}?',
          'I would like to book a {room} from {day}, for {nights}.',
        ],
        agent: [
          'Yes, a {room} is free. It costs {price} dollars a night with breakfast.',
          'From {day} I can offer you a {room} at {price} dollars a night.',
        ],
      },
      {
        caller: ['That sounds good. My name is {name}.', 'I will take it, for {name}, please.'],
        agent: [
          'Thank you, {name}. You receive our confirmation by email.',
          'It is booked. You can cancel free of charge until two days before.',
        ],
      },
      {
        chance: 0.6,
        caller: ['May I bring my dog with me?', 'Are pets allowed in your hotel?'],
        agent: [
          'Dogs are welcome; we charge twelve dollars a night for cleaning.',
          'In the rooms on the ground floor they are. I have moved you there.',
        ],
      },
      {
        chance: 0.6,
        caller: ['We will arrive late, about midnight.', 'Is somebody there when we come after ten?'],
        agent: [
          'No problem, the reception is open day and night.',
          'After ten you find your key in the box by the door; we send you the code.',
        ],
      },
      {
        chance: 0.4,
        caller: ['How do we get to you from the station?', 'Is it far from the station to you?'],
        agent: [
          'Take tram number four to the theatre; from there it is a minute’s walk.',
          'It is ten minutes on foot, or we pick you up for eight dollars.',
        ],
      },
    ],
    thanks: THANKS,
    goodbye: ['We look forward to your stay!', ...GOODBYE],
  },
  {
    topic: 'bicycle repair',
    values: {
      name: NAMES,
      part: ['the rear brake', 'the chain', 'the front light', 'a flat tyre'],
      day: DAYS,
      price: ['25', '40', '65'],
    },
    greeting: ['Spoke and Wheel, hello, how can I help?', 'Bicycle workshop Spoke and Wheel, good morning.'],
    exchanges: [
      {
        caller: [
          'Something is wrong with {part} of my bicycle. Can you repair it?',
          'Hello, do you also repair electric bicycles? It is {part}.',
        ],
        agent: [
          'Certainly. Could you bring it in on {day}?',
          'Yes, we do. When could you bring it to us? {day} would be good.',
        ],
      },
      {
        caller: ['{day} is fine. What will it cost, roughly?', 'I can come then. How much do you charge?'],
        agent: [
          'About {price} dollars with the work, if no other part is broken.',
          'We reckon with {price} dollars, and call you if it is going to be more.',
        ],
      },
      {
        chance: 0.6,
        caller: ['How long do you need for it?', 'When can I pick it up again?'],
        agent: [
          'If you bring it before noon, it is ready the next day.',
          'As a rule it takes two days; we send you a message.',
        ],
      },
      {
        chance: 0.5,
        caller: [
          'Do you have a bicycle that I can use meanwhile?',
          'I need it to get to work. Do you lend bicycles?',
        ],
        agent: [
          'Yes, for six dollars a day you can take one of ours.',
          'We have two for our customers, free of charge. I reserve one for you.',
        ],
      },
      {
        chance: 0.5,
        caller: ['Could you look at the gears as well?', 'And please check the tyres, too.'],
        agent: [
          'With pleasure, a check of the whole bicycle is fifteen dollars more.',
          'I have noted it, {name}. We go over everything that matters for safety.',
        ],
      },
    ],
    thanks: THANKS,
    goodbye: GOODBYE,
  },
];
